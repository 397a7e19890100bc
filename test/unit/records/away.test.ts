import { describe, expect, it } from 'vitest';
import { AuditTrail } from '../../../src/audit/audit-trail.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { dayMs, dayOf } from '../../../src/base/days.ts';
import { LedgerReader } from '../../../src/ledger/ledger-reader.ts';
import type { Queries } from '../../../src/records/database.ts';
import { type Readers, readersOf } from '../../../src/records/readers.ts';
import { RecordsUnavailable } from '../../../src/records/records-unavailable.ts';
import type { RecordsSource } from '../../../src/records/seam.ts';
import { scriptOf } from '../../../src/store/script.ts';
import type { Store } from '../../../src/store/store.ts';
import { entryOf } from '../../contract/admission-store-samples.ts';
import { embeddedStore, testKeys as keys } from '../../support/embedded-store.ts';
import { closeInStore } from '../../support/records.ts';

/* Reports while Postgres cannot be read: what the store has is told, what it may lack is refused. */

const nowMs = Date.UTC(2026, 5, 15, 12);
const day = (ago: number): string => dayOf(nowMs - ago * dayMs);
const away: RecordsSource = {
  database: { transaction: () => Promise.reject(new RecordsUnavailable('Postgres cannot be reached.')) },
  problem: () => null,
};

const setRecords = scriptOf('set_records', "return redis.call('HSET', KEYS[1], unpack(ARGV))");
const trimTo = scriptOf('trim_to', "return redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[1])");

/** A store with five entries of today, closed a minute apart, that was drained before. */
async function drainedStore(): Promise<Store> {
  let atMs = nowMs;
  const store = embeddedStore(() => atMs);
  for (let n = 0; n < 5; n += 1) {
    await closeInStore(store, keys, entryOf(`p1-${n}`, { time: new Date(nowMs).toISOString() }));
    atMs += 60_000;
  }
  await store.run(setRecords, [keys.records], ['store', 'abc', 'mark', '7']);
  return store;
}

function readersOn(store: Store, source = away): Readers {
  return readersOf({
    store,
    keys,
    ledger: new LedgerReader(store, keys),
    audit: new AuditTrail(store, keys, { log: { info: () => {} }, clock: systemClock }),
    source,
    retentionDays: 92,
    clock: { now: () => nowMs },
  });
}

const sums = { filters: {}, groupBy: [] };
const page = { filters: {}, limit: 3, cursor: null };

describe('while Postgres is away', () => {
  it('sums of days that the store has are told, and of older ones it says from when on it has them', async () => {
    const { ledger } = readersOn(await drainedStore());
    expect(await ledger.usage({ ...sums, from: day(92), to: day(0) })).toMatchObject([{ requests: 5 }]);
    await expect(ledger.usage({ ...sums, from: day(93), to: day(0) })).rejects.toMatchObject({
      told: `What is older is in Postgres, which cannot be read now. Without it there are sums from ${day(92)} on: ask with from=${day(92)}, or try again once Postgres is back.`,
    });
    await expect(ledger.refusals({ ...sums, from: day(93), to: day(90) })).rejects.toThrow(
      RecordsUnavailable,
    );
  });

  it('a store that was restored has sums from the day that was brought back', async () => {
    const store = await drainedStore();
    await store.run(setRecords, [keys.records], ['sums_from', day(34)]);
    const { ledger } = readersOn(store);
    expect(await ledger.usage({ ...sums, from: day(34), to: day(0) })).toMatchObject([{ requests: 5 }]);
    await expect(ledger.usage({ ...sums, from: day(35), to: day(0) })).rejects.toThrow(`from=${day(34)}`);
  });

  it('a store that was never drained has everything', async () => {
    const store = embeddedStore(() => nowMs);
    await closeInStore(store, keys, entryOf('p1-1', { time: new Date(nowMs).toISOString() }));
    const { ledger } = readersOn(store);
    expect(await ledger.usage({ ...sums, from: day(399), to: day(0) })).toMatchObject([{ requests: 1 }]);
    expect(await ledger.entries(page)).toMatchObject({ data: [{ id: 'p1-1' }], next_cursor: null });
  });

  it('entries are told as far as the store has them, then it says since when', async () => {
    const store = await drainedStore();
    const { ledger } = readersOn(store);
    expect(await ledger.entries({ ...page, limit: 9 })).toMatchObject({
      data: [{}, {}, {}, {}, {}],
      next_cursor: null,
    });
    await store.run(trimTo, [keys.entries], [4]);
    const first = await ledger.entries(page);
    expect(first.data.map(({ id }) => id)).toEqual(['p1-4', 'p1-3', 'p1-2']);
    const second = await ledger.entries({ ...page, cursor: first.next_cursor });
    expect(second.data.map(({ id }) => id)).toEqual(['p1-1']);
    expect(second.next_cursor).not.toBeNull();
    const since = new Date(nowMs + 60_000).toISOString();
    await expect(ledger.entries({ ...page, cursor: second.next_cursor })).rejects.toMatchObject({
      told: expect.stringContaining(`closed from ${since} on: ask with from=${since}`) as string,
    });
    await expect(ledger.entries({ ...page, filters: { user: 'nobody' } })).rejects.toThrow(
      RecordsUnavailable,
    );
    const admitted = { fromMs: nowMs + 2 * 3_600_000 };
    expect(await ledger.entries({ ...page, admitted })).toEqual({ data: [], next_cursor: null });
  });

  it('it is the same if Postgres may not be used', async () => {
    const source = { ...away, problem: () => 'DATABASE_URL holds the records of another store.' };
    const { ledger, recordsView } = readersOn(await drainedStore(), source);
    expect(await ledger.usage({ ...sums, from: day(1), to: day(0) })).toMatchObject([{ requests: 5 }]);
    await expect(ledger.usage({ ...sums, from: day(99), to: day(0) })).rejects.toThrow(RecordsUnavailable);
    expect(await recordsView.status()).toMatchObject({ state: 'off', problem: source.problem() });
  });

  it('nobody waits for a Postgres that hangs, and the next reading finds it when it is back', async () => {
    let release: (rows: Queries) => void = () => {};
    let asked = 0;
    let isHanging = true;
    const hanging: RecordsSource = {
      database: {
        transaction: async (work) => {
          asked += 1;
          const rows = asked === 1 ? await new Promise<Queries>((resolve) => (release = resolve)) : answering;
          return work(rows);
        },
      },
      problem: () => null,
      get timeoutMs() {
        return isHanging ? 50 : 60_000;
      },
    };
    const { ledger } = readersOn(await drainedStore(), hanging);
    const query = { ...sums, from: day(99), to: day(0) };
    const waiting = await Promise.allSettled([ledger.usage(query), ledger.usage(query)]);
    expect(waiting.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isHanging = false;
    release(answering);
    expect(await ledger.usage(query)).toMatchObject([{ requests: 5 }]);
    expect(asked).toBe(2);
  });
});

/** A Postgres that has nothing yet. */
const answering: Queries = {
  query: <Row extends object>(sql: string): Promise<Row[]> =>
    Promise.resolve((sql.includes('FROM drain') ? [{ store: 'abc', mark: 7 }] : []) as Row[]),
};
