import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import type { LedgerEntry } from '../../src/ledger/entry.ts';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import type { RefusalCount } from '../../src/ledger/refusal-count.ts';
import { RefusalStore } from '../../src/ledger/refusal-store.ts';
import { Database } from '../../src/records/database.ts';
import { Drain } from '../../src/records/drain.ts';
import { drainedAudit } from '../../src/records/drained-audit.ts';
import { drainedEntries } from '../../src/records/drained-entries.ts';
import { drainedRefusals } from '../../src/records/drained-refusals.ts';
import { DrainedStore } from '../../src/records/drained-store.ts';
import { recordFirstSums } from '../../src/records/first-sums.ts';
import { Lease } from '../../src/records/lease.ts';
import { migrate } from '../../src/records/migrate.ts';
import { Partitions } from '../../src/records/partitions.ts';
import { type Readers, readersOf } from '../../src/records/readers.ts';
import type { Keys } from '../../src/store/keys.ts';
import { scriptOf } from '../../src/store/script.ts';
import type { Store } from '../../src/store/store.ts';
import { closingOf } from '../contract/admission-store-samples.ts';
import { sharedPostgres } from './postgres-server.ts';

const tables =
  'entries, usage_days, refusal_days, refusal_batches, audit_entries, gaps, counters, identities, erasures';

const trimDrained = scriptOf(
  'trim_drained',
  `local ms, seq = string.match(redis.call('HGET', KEYS[1], ARGV[1]), '^(%d+)-(%d+)$')
   return redis.call('XTRIM', KEYS[2], 'MINID', string.format('%s-%.0f', ms, seq + 1))`,
);

/** Records for the tests around this call. */
export function useRecords(): () => TestRecords {
  let records: TestRecords;
  beforeAll(async () => {
    records = await TestRecords.start();
  });
  afterAll(() => records.close());
  return () => records;
}

/** Records in a database of their own, of one store after another. */
export class TestRecords {
  readonly database: Database;
  readonly #partitions: Partitions;

  constructor(url: string) {
    this.database = new Database({ url, tls: null });
    this.#partitions = new Partitions(this.database);
  }

  /** On the Postgres of this test worker. */
  static async start(url?: string): Promise<TestRecords> {
    const records = new TestRecords(url ?? (await sharedPostgres()));
    await migrate(records.database);
    return records;
  }

  /** Forgets everything: the next store may be another one. */
  async empty(): Promise<void> {
    await this.database.query(`TRUNCATE ${tables}`);
    await this.database.query("UPDATE drain SET store = NULL, mark = 0, leased_until = '-infinity'");
    await this.database.query('UPDATE checkpoints SET last_ms = 0, last_seq = 0, added = 0');
  }

  /** Drains all that a store has. */
  async drain(store: Store, keys: Keys): Promise<void> {
    const lease = new Lease(this.database, 'test');
    const drain = new Drain({
      database: this.database,
      store: new DrainedStore(store, keys),
      lease,
      streams: [drainedEntries(this.#partitions), drainedRefusals, drainedAudit],
      keepEntries: 10_000,
      recordSums: (queries, next) =>
        recordFirstSums(queries, { store, keys, retentionDays: 40, drained: next }),
      log: { info: () => {}, warn: () => {}, error: () => {} },
      onGap: () => {},
    });
    for (let isAll = false; !isAll;) {
      const held = await lease.take();
      if (held === null) throw new Error('Somebody else drains.');
      const pass = await drain.pass(held);
      isAll = pass.kind === 'drained' && pass.isAll;
    }
  }

  /** Takes from a store all that is drained, as it goes in time. */
  async trim(store: Store, keys: Keys, stream: 'entries' | 'audit' = 'entries'): Promise<void> {
    await store.run(trimDrained, [keys.records, keys[stream]], [stream]);
  }

  /** What reads a store and these records. */
  readers(store: Store, keys: Keys, problem: () => string | null = () => null): Readers {
    return readersOf({
      store,
      keys,
      ledger: new LedgerReader(store, keys),
      audit: new AuditTrail(store, keys, { log: { info: () => {} }, clock: systemClock }),
      source: { database: this.database, problem },
      retentionDays: 92,
      clock: systemClock,
    });
  }

  close(): Promise<void> {
    return this.database.close();
  }
}

const writeEntry = scriptOf(
  'write_entry',
  `redis.call('XADD', KEYS[1], '*', 'e', ARGV[1])
   local function add(key, row)
     local sums, n = {}, 0
     for sum in string.gmatch(redis.call('HGET', key, row) or '', '%d+') do sums[#sums + 1] = tonumber(sum) end
     for figure in string.gmatch(ARGV[3], '%d+') do
       n = n + 1
       sums[n] = string.format('%.0f', (sums[n] or 0) + tonumber(figure))
     end
     redis.call('HSET', key, row, table.concat(sums, ' '))
   end
   local plain, label = string.match(ARGV[2], '^([^\\29]*)\\29(.*)$')
   add(KEYS[2], plain or ARGV[2])
   if label then add(KEYS[3], plain .. '\\t' .. label) end`,
);

/** Writes an entry and its totals, as settling does. */
export async function closeInStore(store: Store, keys: Keys, entry: LedgerEntry): Promise<void> {
  const { entry: text, totals } = closingOf(entry);
  const args = [text, totals.row, totals.figures.join(' ')];
  const breakdown = keys.breakdown(`${totals.day}/${entry.team}`);
  await store.run(writeEntry, [keys.entries, keys.totals(totals.day), breakdown], args);
}

/** Counts refused requests, in a batch that has this number. */
export async function refuseInStore(
  store: Store,
  keys: Keys,
  sequence: number,
  count: RefusalCount,
): Promise<void> {
  const refusals = new RefusalStore(store, keys, { retentionDays: 400, backlogBytes: () => 1_000_000 });
  await refusals.add({ process: 'p1', sequence, counts: [count] });
}
