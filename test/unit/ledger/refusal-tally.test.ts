import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { maxRefusalRows, type RefusalBatch, type RefusedAs } from '../../../src/ledger/refusal-count.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { LedgerReader } from '../../../src/ledger/ledger-reader.ts';
import { RefusalStore } from '../../../src/ledger/refusal-store.ts';
import { RefusalTally } from '../../../src/ledger/refusal-tally.ts';
import { embeddedStore, testKeys } from '../../support/embedded-store.ts';

const ana: RefusedAs = {
  team: 'acme',
  user: 'ana',
  token: 'tok_1',
  endpoint: '/v1/embeddings',
  code: 'rate_limit_exceeded',
  model: null,
  limit: null,
};
const startMs = Date.UTC(2026, 0, 31, 23, 59, 59);

let nowMs: number;
let logged: string[];
let batches: RefusalBatch[];
let kept: ReturnType<typeof embeddedStore>;
let store: RefusalStore;
/** How the next batches fare: taken and answered, taken unheard, or not taken. */
let fates: ('unheard' | 'refused')[];

beforeEach(() => {
  vi.useFakeTimers();
  nowMs = startMs;
  logged = [];
  batches = [];
  fates = [];
  kept = embeddedStore(() => nowMs);
  store = new RefusalStore(kept, testKeys, { retentionDays: 10 });
});
afterEach(() => vi.useRealTimers());

function tallyOf(): RefusalTally {
  const say = (message: string): void => void logged.push(message);
  return new RefusalTally({
    store: {
      add: async (batch) => {
        batches.push(batch);
        const fate = fates.shift();
        if (fate !== 'refused') await store.add(batch);
        if (fate !== undefined) throw new StoreUnavailable('No answer.');
      },
    },
    process: 'p1',
    storeNowMs: () => nowMs,
    clock: { now: () => nowMs, monotonic: () => Date.now() },
    log: { info: say, warn: say, error: say },
  });
}

async function counted(groupBy: ('day' | 'team')[] = []): Promise<object[]> {
  return new LedgerReader(kept, testKeys).refusals({
    from: '2026-01-31',
    to: '2026-02-01',
    filters: {},
    groupBy,
  });
}

describe('RefusalTally', () => {
  it('hands over a second of refusals in one batch', async () => {
    const tally = tallyOf();
    for (let n = 0; n < 500; n += 1) tally.count(ana);
    await vi.advanceTimersByTimeAsync(999);
    expect(batches).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(batches).toEqual([
      { process: 'p1', sequence: 1, counts: [{ day: '2026-01-31', as: ana, refused: 500, lastMs: startMs }] },
    ]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(batches).toHaveLength(1);
  });

  it('counts on the day it was, by the clock of the store', async () => {
    const tally = tallyOf();
    tally.count(ana);
    nowMs += 1_000;
    tally.count(ana);
    tally.count(ana);
    await tally.drained();
    expect(await counted(['day'])).toMatchObject([
      { day: '2026-01-31', refused: 1 },
      { day: '2026-02-01', refused: 2 },
    ]);
  });

  it('sends again what was not taken, or was taken unheard, and has each counted once', async () => {
    const tally = tallyOf();
    fates = ['refused', 'unheard', 'unheard'];
    tally.count(ana);
    await vi.advanceTimersByTimeAsync(1_000);
    tally.count({ ...ana, team: 'beta' });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(batches.map(({ sequence }) => sequence)).toEqual([1, 1, 1, 1, 2]);
    expect(await counted(['team'])).toMatchObject([
      { team: 'acme', refused: 1 },
      { team: 'beta', refused: 1 },
    ]);
    expect(logged).toEqual([]);
  });

  it('hands over everything when it drains, in batches of a bounded size', async () => {
    const tally = tallyOf();
    for (let n = 0; n < 450; n += 1) tally.count({ ...ana, token: `tok_${n}` });
    await tally.drained();
    expect(batches.map(({ counts }) => counts.length)).toEqual([200, 200, 50]);
    expect(await counted()).toMatchObject([{ refused: 450 }]);
  });

  it('gives up draining after 5 s without an answer, and says how many it leaves', async () => {
    const tally = tallyOf();
    fates = Array.from({ length: 1_000 }, () => 'refused' as const);
    tally.count(ana);
    const drained = tally.drained();
    await vi.advanceTimersByTimeAsync(5_500);
    await drained;
    expect(logged).toEqual(['counts of refused requests lost']);
  });

  it('stays bounded while the store is away, and loses no count', async () => {
    const tally = tallyOf();
    fates = ['refused'];
    for (let n = 0; n < maxRefusalRows + 700; n += 1) tally.count({ ...ana, token: `tok_${n}` });
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await tally.drained();
    expect(await counted()).toMatchObject([{ refused: maxRefusalRows + 700 }]);
  });
});
