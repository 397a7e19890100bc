import type { Queries, Transactions } from './database.ts';
import { type Month, monthOf, monthsAhead, monthsOver } from './months.ts';
import { RecordsUnavailable } from './records-unavailable.ts';

/** For how long it is remembered which limits were charged, and which batches were counted. */
const rememberedDays = 70;
const dropWithinMs = 1_000;
/** The SQLSTATE of a lock that was not given in time. */
const lockNotAvailable = '55P03';

/** Lets only the process that drains go on. */
export type Lock = (queries: Queries) => Promise<void>;

/** The partitions of the entries. Methods reject with `RecordsUnavailable`, and as `lock` does. */
export class Partitions {
  readonly #database: Transactions;
  /** Those that are known to be there. */
  #known: ReadonlySet<string> = new Set();

  constructor(database: Transactions) {
    this.#database = database;
  }

  /** Postgres may have been restored: what is known of it no longer holds. */
  forget(): void {
    this.#known = new Set();
  }

  /** Makes what is missing for these UTC days. */
  async cover(days: readonly string[], lock: Lock): Promise<void> {
    await this.#make(
      days.map((day) => monthOf(Date.parse(day))),
      lock,
    );
  }

  /**
   * Makes the months to come, and drops what is older than the retention. Returns what was dropped; null if somebody
   * reads entries for so long that nothing can be: the drain must not wait for them.
   */
  async keep(retentionDays: number, lock: Lock): Promise<string[] | null> {
    const [row] = await this.#database.query<{ now: Date }>('SELECT now() AS now');
    const nowMs = row?.now.getTime() ?? 0;
    await this.#make(monthsAhead(nowMs), lock);
    this.forget();
    return this.#drop(retentionDays, nowMs, lock).catch((error: unknown) => {
      if (error instanceof RecordsUnavailable && error.sqlState === lockNotAvailable) return null;
      throw error;
    });
  }

  #drop(retentionDays: number, nowMs: number, lock: Lock): Promise<string[]> {
    return this.#database.transaction(async (queries) => {
      await lock(queries);
      const over = monthsOver(await tablesIn(queries), nowMs, retentionDays);
      // Whoever comes after a drop that waits, waits too.
      await queries.query(`SET LOCAL lock_timeout = ${dropWithinMs}`);
      for (const table of over) await queries.query(`DROP TABLE ${table}`);
      const before = [rememberedDays];
      await queries.query(
        'DELETE FROM counters WHERE charged_at < now() - make_interval(days => $1)',
        before,
      );
      await queries.query(
        'DELETE FROM refusal_batches WHERE counted_at < now() - make_interval(days => $1)',
        before,
      );
      return over;
    });
  }

  async #make(months: readonly Month[], lock: Lock): Promise<void> {
    if (months.every(({ table }) => this.#known.has(table))) return;
    this.#known = await this.#database.transaction(async (queries) => {
      await lock(queries);
      const there = new Set(await tablesIn(queries));
      for (const { table, from, to } of months) {
        if (there.has(table)) continue;
        // Attached, not made as a partition: that would wait for every reader of the entries, and they for it.
        await queries.query(`CREATE TABLE ${table} (LIKE entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
        await queries.query(
          `ALTER TABLE entries ATTACH PARTITION ${table} FOR VALUES FROM ('${from}') TO ('${to}')`,
        );
        there.add(table);
      }
      return there;
    });
  }
}

/** The months that have a partition. */
export async function tablesIn(queries: Queries): Promise<string[]> {
  const rows = await queries.query<{ name: string }>(
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'entries'::regclass",
  );
  return rows.map(({ name }) => name);
}
