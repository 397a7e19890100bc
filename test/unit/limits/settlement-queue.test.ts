import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { settlementOf } from '../../../src/limits/settlement.ts';
import { type Leaves, SettlementQueue } from '../../../src/limits/settlement-queue.ts';
import type { Settlement } from '../../../src/limits/store.ts';
import { grantOf, openRequest, outcomeOf } from './samples.ts';
import { keptLog, type Mood, pass, slowMs, storeTimeoutMs, UnsteadyStore } from './unsteady-store.ts';

const process = 'p1';
let store: UnsteadyStore;
let queue: SettlementQueue;
let log: ReturnType<typeof keptLog>;

async function makeQueue(): Promise<void> {
  store = new UnsteadyStore({ leaseMs: 20_000 });
  log = keptLog();
  queue = new SettlementQueue(store, process, log);
  await store.inner.beat(process);
}

beforeEach(async () => {
  vi.useFakeTimers();
  await makeQueue();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Opens a request in the store and gives back its settlement. */
async function opened(grant: string): Promise<Settlement> {
  await store.inner.admit(process, [
    {
      grant,
      team: 'acme',
      epoch: 'epoch-1',
      notAfterMs: Infinity,
      expiresAtMs: Infinity,
      session: null,
      record: '',
      limits: [],
    },
  ]);
  return settlementOf(grantOf({ id: grant, request: openRequest() }), outcomeOf()).settlement;
}

describe('a settlement', () => {
  it('goes to the store within moments, gathered with others into one call', async () => {
    const done = vi.fn();
    for (const grant of ['a', 'b', 'c']) queue.add(await opened(grant), done, 'gathered');
    expect(store.callsOf('settle')).toEqual([]);
    expect(queue.pending).toBe(3);
    await pass(2);
    expect(store.callsOf('settle')).toEqual([3]);
    expect(done).toHaveBeenCalledTimes(3);
    expect(queue.pending).toBe(0);
    expect(store.entries.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('that is urgent goes at once, and takes along what waits', async () => {
    queue.add(await opened('a'), vi.fn(), 'gathered');
    const done = vi.fn();
    queue.add(await opened('b'), done, 'now');
    expect(store.callsOf('settle')).toEqual([2]);
    await pass(0);
    expect(done).toHaveBeenCalledTimes(1);
    await pass(100);
    expect(store.callsOf('settle')).toEqual([2]);
  });

  it('goes ahead of admissions by flush', async () => {
    queue.add(await opened('a'), vi.fn(), 'gathered');
    queue.flush();
    expect(store.callsOf('settle')).toEqual([1]);
    queue.flush();
    expect(store.callsOf('settle')).toEqual([1]);
  });

  it('is one of 200 a call', async () => {
    for (let n = 0; n < 450; n += 1) queue.add(await opened(`g${n}`), vi.fn(), 'gathered');
    await pass(2);
    expect(store.callsOf('settle')).toEqual([200, 200, 50]);
    expect(store.entries).toHaveLength(450);
  });

  it('is kept until the store takes it, however long it is away', async () => {
    const done = vi.fn();
    store.mood = 'refuses';
    queue.add(await opened('a'), done, 'gathered');
    await pass(60_000);
    expect(done).not.toHaveBeenCalled();
    expect(queue.pending).toBe(1);
    store.mood = 'well';
    await pass(1_000);
    expect(done).toHaveBeenCalledTimes(1);
    expect(store.entries).toHaveLength(1);
    expect(queue.pending).toBe(0);
  });

  it('is not sent more often than about once a second during an outage', async () => {
    store.mood = 'refuses';
    queue.add(await opened('a'), vi.fn(), 'gathered');
    await pass(10_000);
    const before = store.callsOf('settle').length;
    for (let n = 0; n < 50; n += 1)
      queue.add(await opened(`g${n}`), vi.fn(), n % 2 === 0 ? 'now' : 'gathered');
    await pass(10_000);
    expect(store.callsOf('settle').length - before).toBeLessThanOrEqual(20);
  });

  it('whose answer was lost is repeated, and written once', async () => {
    const done = vi.fn();
    store.moods.push('loses');
    queue.add(await opened('a'), done, 'gathered');
    await pass(2 + storeTimeoutMs + 1_000);
    expect(store.callsOf('settle')).toEqual([1, 1]);
    expect(done).toHaveBeenCalledTimes(1);
    expect(store.entries).toHaveLength(1);
  });

  it('that comes while the call that ends an outage is under way goes right after it', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.99); // or the retry may be over before the next one comes
    const done = vi.fn();
    store.moods.push('refuses', 'slow');
    queue.add(await opened('a'), done, 'now');
    await pass(101);
    expect(store.callsOf('settle')).toEqual([1, 1]);
    queue.add(await opened('b'), done, 'gathered');
    expect(done).not.toHaveBeenCalled();
    await pass(slowMs + 10);
    expect(done).toHaveBeenCalledTimes(2);
  });

  it('that the store closed before is told in the log, its answer being done all the same', async () => {
    const done = vi.fn();
    const settlement = await opened('a');
    await store.inner.settle(process, [settlement]);
    queue.add(settlement, done, 'gathered');
    await pass(2);
    expect(done).toHaveBeenCalledTimes(1);
    expect(log.lines).toEqual([{ level: 'warn', message: 'settlement found its request closed already' }]);
  });

  it('keeps no answer beyond what memory can hold, and again when the store is back', async () => {
    const answer = 'x'.repeat(1_048_576);
    const add = async (grant: string): Promise<Settlement> => {
      const keyed = { key: `${grant} body`, as: 'answered', attempt: 'a:ok:1:2:', answer } as const;
      const settlement = { ...(await opened(grant)), keyed: { ...keyed } };
      queue.add(settlement, vi.fn(), 'gathered');
      return settlement;
    };
    const kept: number[] = [];
    for (const grant of ['p1-a', 'p1-b', 'p1-c', 'p1-d', 'p1-e']) {
      kept.push((await add(grant)).keyed?.answer.length ?? 0);
    }
    expect(kept).toEqual([...Array<number>(4).fill(answer.length), 0]);
    await pass(2);
    expect(queue.pending).toBe(0);
    expect((await add('p1-f')).keyed?.answer).toHaveLength(answer.length);
  });

  it('beyond what memory can hold goes to the log', async () => {
    store.mood = 'hangs';
    const settlement = await opened('a');
    queue.add(settlement, vi.fn(), 'gathered');
    await pass(2 + storeTimeoutMs);
    for (let n = 1; n < 50_000; n += 1) queue.add(settlement, vi.fn(), 'gathered');
    expect(log.lines).toEqual([]);
    const done = vi.fn();
    queue.add(settlement, done, 'gathered');
    expect(done).toHaveBeenCalledTimes(1);
    expect(queue.pending).toBe(50_000);
    expect(log.lines.map(({ level }) => level)).toEqual(['error']);
  });
});

describe('drained', () => {
  it('is at once where nothing waits', async () => {
    await expect(queue.drained()).resolves.toBeUndefined();
  });

  it('sends what waits, and resolves when the store has all of it', async () => {
    store.moods.push('refuses', 'hangs', 'loses');
    for (const grant of ['a', 'b', 'c']) queue.add(await opened(grant), vi.fn(), 'gathered');
    const drained = vi.fn();
    const both = [queue.drained(), queue.drained()].map((each) => each.then(drained));
    expect(store.callsOf('settle')).toEqual([3]);
    await pass(100);
    expect(drained).not.toHaveBeenCalled();
    await pass(10_000);
    expect(drained).toHaveBeenCalledTimes(2);
    await Promise.all(both);
    expect(store.entries).toHaveLength(3);
  });
});

describe('whatever the store does meanwhile', () => {
  it('every settlement is acknowledged and written exactly once', async () => {
    const mood = fc.constantFrom<Mood>('well', 'slow', 'refuses', 'loses', 'hangs', 'ghosts');
    const step = fc.record({
      waitMs: fc.oneof(fc.constant(0), fc.nat(5), fc.nat(150), fc.nat(700)),
      count: fc.nat(5),
      leaves: fc.constantFrom<Leaves>('now', 'soon', 'gathered'),
      flush: fc.boolean(),
      mood,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        await makeQueue();
        const acknowledged = new Map<string, number>();
        const grants: string[] = [];
        for (const { waitMs, count, leaves, flush, mood: next } of steps) {
          store.mood = next;
          for (let n = 0; n < count; n += 1) {
            const grant = `g${grants.length}`;
            grants.push(grant);
            const done = (): void => void acknowledged.set(grant, (acknowledged.get(grant) ?? 0) + 1);
            queue.add(await opened(grant), done, leaves);
          }
          if (flush) queue.flush();
          await pass(waitMs);
        }
        store.mood = 'slow';
        // Without another word from outside: what waits must get away by itself.
        await pass(5_000);
        expect(queue.pending).toBe(0);
        expect(acknowledged).toEqual(new Map(grants.map((grant) => [grant, 1])));
        expect(store.entries.map(({ id }) => id).sort()).toEqual([...grants].sort());
        await queue.drained();
      }),
      { numRuns: 200 },
    );
  });
});
