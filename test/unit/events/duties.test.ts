import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Duties, type Duty, type Held } from '../../../src/events/duties.ts';
import { StoreLease } from '../../../src/store/lease.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import type { Store } from '../../../src/store/store.ts';
import { embeddedStore, testKeys } from '../../support/embedded-store.ts';
import { fakeClock, keptLog, pass } from '../limits/unsteady-store.ts';

const leaseMs = 9_000;
let store: Store;
let log: ReturnType<typeof keptLog>;
const running: Duties[] = [];

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 31) });
  store = embeddedStore(() => Date.now());
  log = keptLog();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((duties) => duties.stop()));
  vi.useRealTimers();
});

/** A process that may be told not to reach the store. */
function processNamed(owner: string, duties: readonly Duty[]) {
  const lease = new StoreLease(store, testKeys, { what: 'events', owner, leaseMs });
  let isCutOff = false;
  const cuttable = {
    take: () => (isCutOff ? Promise.reject(new StoreUnavailable('cut off')) : lease.take()),
    release: () => (isCutOff ? Promise.reject(new StoreUnavailable('cut off')) : lease.release()),
  };
  const made = new Duties({ lease: cuttable, leaseMs, duties, clock: fakeClock(), log });
  running.push(made);
  made.start();
  return {
    duties: made,
    cutOff: (now: boolean): void => {
      isCutOff = now;
    },
  };
}

function counted(everyMs = 1_000): Duty & { turns: Held[] } {
  const turns: Held[] = [];
  return { name: 'counted', everyMs, turns, turn: async (held) => void turns.push(held) };
}

describe('duties', () => {
  it('are done by one process, each at its own pace', async () => {
    const [often, seldom, others] = [counted(1_000), counted(5_000), counted(1_000)];
    processNamed('p1', [often, seldom]);
    await pass(0);
    processNamed('p2', [others]);
    await pass(10_500);
    expect([often, seldom, others].map(({ turns }) => turns.length)).toEqual([11, 3, 0]);
    expect(new Set(often.turns.map(({ fence }) => fence)).size).toBe(1);
  });

  it('go on in another process when the one that did them says no more', async () => {
    const [mine, yours] = [counted(), counted()];
    const first = processNamed('p1', [mine]);
    await pass(0);
    processNamed('p2', [yours]);
    first.cutOff(true);
    await pass((leaseMs * 4) / 3 + 1);
    expect(yours.turns.length).toBeGreaterThan(0);
    expect(mine.turns.every(({ signal }) => signal.aborted)).toBe(true);
    expect(yours.turns[0]?.fence).not.toBe(mine.turns[0]?.fence);
    const done = mine.turns.length;
    first.cutOff(false);
    await pass(leaseMs * 2);
    expect(mine.turns).toHaveLength(done);
  });

  it('go on through a store that does not answer for less than the lease', async () => {
    const mine = counted();
    const first = processNamed('p1', [mine]);
    await pass(0);
    first.cutOff(true);
    await pass(leaseMs - 1_000);
    first.cutOff(false);
    await pass(leaseMs);
    expect(mine.turns.length).toBeGreaterThanOrEqual(17);
    expect(mine.turns.some(({ signal }) => signal.aborted)).toBe(false);
  });

  it('that fail are tried again, without a line each time, and without stopping others', async () => {
    const well = counted();
    let tries = 0;
    const fails: Duty = {
      name: 'fails',
      everyMs: 1_000,
      turn: () => {
        tries += 1;
        return tries === 4 ? Promise.resolve() : Promise.reject(new Error('no'));
      },
    };
    processNamed('p1', [fails, well]);
    await pass(6_500);
    expect([tries, well.turns.length]).toEqual([7, 7]);
    expect(log.lines).toHaveLength(2); // before the one that went well, and after it
  });

  it('are at once another process’s when this one stops, but for the turn under way', async () => {
    let end = (): void => undefined;
    const long: Duty = {
      name: 'long',
      everyMs: 1_000,
      turn: () => new Promise((resolve) => (end = resolve)),
    };
    const yours = counted();
    const first = processNamed('p1', [long]);
    await pass(0);
    const stopped = first.duties.stop();
    processNamed('p2', [yours]);
    await pass(leaseMs / 3 + 1);
    expect(yours.turns).toHaveLength(0);
    end();
    await stopped;
    await pass(leaseMs / 3 + 1);
    expect(yours.turns.length).toBeGreaterThan(0);
  });

  it('do not keep a process that stops when a turn waits for what is away', async () => {
    const hangs: Duty = { name: 'hangs', everyMs: 1_000, turn: () => new Promise(() => undefined) };
    const yours = counted();
    const first = processNamed('p1', [hangs]);
    await pass(0);
    const stopped = first.duties.stop();
    await pass(10_000);
    await stopped;
    running.splice(running.indexOf(first.duties), 1);
    processNamed('p2', [yours]);
    await pass(0);
    expect(yours.turns).toHaveLength(1);
  });

  it('stop before the store has answered: nothing begins afterwards', async () => {
    const mine = counted();
    const first = processNamed('p1', [mine]);
    await first.duties.stop();
    await pass(leaseMs * 2);
    expect(mine.turns).toHaveLength(0);
    const yours = counted();
    processNamed('p2', [yours]);
    await pass(0);
    expect(yours.turns).toHaveLength(1);
  });
});
