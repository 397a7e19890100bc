import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Canceller } from '../../../src/limits/canceller.ts';
import type { Grant } from '../../../src/limits/grant.ts';
import { grantOf, stateOf } from './samples.ts';
import { fakeClock, ghostMs, keptLog, pass, storeTimeoutMs, UnsteadyStore } from './unsteady-store.ts';
import { countersOf } from '../../support/counters-of.ts';

const process = 'p1';
const startMs = Date.UTC(2026, 0, 31, 12);
const limits = [
  stateOf({ metric: 'requests', window: 'day', max: 10 }),
  stateOf({ metric: 'concurrency', max: 10 }),
];
let store: UnsteadyStore;
let canceller: Canceller;

beforeEach(async () => {
  vi.useFakeTimers({ now: startMs });
  store = new UnsteadyStore({ leaseMs: 3_600_000 });
  canceller = new Canceller({
    store,
    process,
    storeNowMs: () => Date.now(),
    incarnation: async () => (await store.beat(process)).incarnation,
    log: keptLog(),
  });
  await store.inner.beat(process);
});

afterEach(() => {
  vi.useRealTimers();
});

const grant = (id: string): Grant => grantOf({ id, limits, incarnation: '', admittedAtMs: 0 });

/** Sends an admission whose answer nobody gets. */
function admit(id: string, notAfterMs: number): void {
  const request = {
    grant: id,
    team: 'acme',
    epoch: 'epoch-1',
    notAfterMs,
    expiresAtMs: Infinity,
    session: null,
    record: '',
    limits: limits.map(({ applied }) => applied),
  };
  store.admit(process, [request]).catch(() => undefined);
}

async function used(): Promise<number[]> {
  const counters = await countersOf(
    store.inner,
    'acme',
    limits.map(({ applied }) => applied),
  );
  return counters.map((counter) => counter.used);
}

describe('an abandoned admission', () => {
  it('that the store made is given back without an entry', async () => {
    admit('a', Infinity);
    await pass(0);
    expect(await used()).toEqual([1, 1]);
    canceller.add([{ grant: grant('a'), notAfterMs: Date.now() + storeTimeoutMs }]);
    expect(canceller.pending).toBe(1);
    await pass(600);
    expect(await used()).toEqual([0, 0]);
    expect(await store.inner.openOf(process, ['a'])).toEqual([]);
    expect(store.entries).toEqual([]);
    expect(canceller.pending).toBe(0);
  });

  it('that the store makes later is given back then', async () => {
    store.moods.push('ghosts');
    const notAfterMs = Date.now() + 10_000;
    admit('a', notAfterMs);
    await pass(storeTimeoutMs);
    canceller.add([{ grant: grant('a'), notAfterMs }]);
    await pass(ghostMs - storeTimeoutMs + 1);
    expect(await used()).toEqual([1, 1]);
    await pass(1_000);
    expect(await used()).toEqual([0, 0]);
    expect(canceller.pending).toBe(0);
  });

  it('is looked for until it can be made no more, by a margin for the clocks', async () => {
    canceller.add([{ grant: grant('a'), notAfterMs: Date.now() + 1_000 }]);
    await pass(2_900);
    expect(canceller.pending).toBe(1);
    await pass(1_200);
    expect(canceller.pending).toBe(0);
    const looks = store.callsOf('openOf').length;
    await pass(60_000);
    expect(store.callsOf('openOf')).toHaveLength(looks);
  });

  it('is not forgotten during an outage', async () => {
    admit('a', Infinity);
    await pass(0);
    store.mood = 'refuses';
    canceller.add([{ grant: grant('a'), notAfterMs: Date.now() + 1_000 }]);
    await pass(600_000);
    expect(canceller.pending).toBe(1);
    store.mood = 'well';
    await pass(1_000);
    expect(await used()).toEqual([0, 0]);
    expect(canceller.pending).toBe(0);
  });

  it('is not forgotten where the cancellation itself is lost, and given back once', async () => {
    admit('a', Infinity);
    admit('b', Infinity);
    await pass(0);
    store.moods.push('well', 'well', 'loses'); // a beat, a look, and the settlement
    canceller.add([{ grant: grant('a'), notAfterMs: Date.now() }]);
    await pass(600 + storeTimeoutMs);
    expect(canceller.pending).toBe(1);
    await pass(5_000);
    expect(canceller.pending).toBe(0);
    expect(await used()).toEqual([1, 1]);
  });

  it('among many is given back in calls of 200, and the others are left alone', async () => {
    const many = Array.from({ length: 450 }, (_, n) => `g${n}`);
    for (const state of limits) state.applied.max = 1_000;
    for (const id of many) admit(id, Infinity);
    await pass(0);
    canceller.add(many.slice(1).map((id) => ({ grant: grant(id), notAfterMs: Date.now() })));
    await pass(600);
    expect(store.callsOf('openOf')).toEqual([200, 200, 49]);
    expect(await used()).toEqual([1, 1]);
  });

  it('that comes while others are looked for is looked for as well', async () => {
    store.mood = 'slow';
    canceller.add([{ grant: grant('a'), notAfterMs: Date.now() }]);
    await pass(510);
    admit('b', Infinity);
    await pass(60);
    canceller.add([{ grant: grant('b'), notAfterMs: Date.now() }]);
    await pass(5_000);
    expect(await used()).toEqual([0, 0]);
    expect(canceller.pending).toBe(0);
  });

  it("is dated by the store's clock, whatever ours says", async () => {
    store = new UnsteadyStore({ leaseMs: 3_600_000, clock: fakeClock(86_400_000) });
    await store.inner.beat(process);
    admit('a', Infinity);
    await pass(0);
    const before = await countersOf(store.inner, 'acme', [{ id: 'team-requests-day', span: 'day' }]);
    const ahead = new Canceller({
      store,
      process,
      storeNowMs: () => Date.now() + 86_400_000,
      incarnation: () => Promise.resolve('memory'),
      log: keptLog(),
    });
    ahead.add([{ grant: grant('a'), notAfterMs: Date.now() + 86_400_000 }]);
    await pass(600);
    expect(before[0]?.used).toBe(1);
    expect(await used()).toEqual([0, 0]);
  });
});
