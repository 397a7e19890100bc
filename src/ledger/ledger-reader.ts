import { daysBetween } from '../base/days.ts';
import { decodeEntry } from './entry-text.ts';
import { ledgerEntryOf, type LedgerEntry } from './entry.ts';
import { passes, type EntryQuery } from './ledger.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { rowsOfHash } from './hash-rows.ts';
import { usageRows, usageSums, type UsageQuery, type UsageRow } from './totals.ts';

const entriesPerRead = 500;
/** How many entries one call reads to find matching ones before it returns a cursor to continue from. */
const entriesPerCall = 20_000;
/**
 * An entry's id is the time when it was closed, so it is after the admission, unless the clock was set back: by less
 * than this.
 */
const clockSlackMs = 3_600_000;

/** Reads the ledger that settling writes: entries from a stream, and sums from one hash per day. */
export class LedgerReader {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  async usage(query: UsageQuery): Promise<UsageRow[]> {
    const sums = usageSums(query);
    for (const day of daysBetween(query.from, query.to)) {
      for await (const page of rowsOfHash(this.#store, this.#keys.totals(day))) {
        sums.add(
          day,
          page.map(([row, text]) => [row, text.split(' ').map(Number)] as const),
        );
      }
    }
    return usageRows(sums);
  }

  /**
   * Last closed first. A page may be short or empty although there are more entries: then `next_cursor` is not null.
   */
  async entries(query: EntryQuery): Promise<{ data: LedgerEntry[]; next_cursor: string | null }> {
    const data: LedgerEntry[] = [];
    let cursor = query.cursor;
    for (let seen = 0; seen < entriesPerCall; seen += entriesPerRead) {
      const page = await this.#page(cursor, query.admitted?.fromMs);
      for (const [id, fields] of page) {
        cursor = id;
        const entry = decodeEntry(fields[1] ?? '');
        if (!passes(entry, query)) continue;
        data.push(ledgerEntryOf(entry));
        if (data.length === query.limit) return { data, next_cursor: cursor };
      }
      if (page.length < entriesPerRead) return { data, next_cursor: null };
    }
    return { data, next_cursor: cursor };
  }

  /** The number of entries, and when the oldest was closed (ms since the epoch; null if there are none). */
  async extent(): Promise<{ entries: number; oldestAtMs: number | null }> {
    const [entries, oldest] = await this.#store.attempt((client) =>
      Promise.all([client.xlen(this.#keys.entries), client.xrange(this.#keys.entries, '-', '+', 'COUNT', 1)]),
    );
    const [id] = oldest[0] ?? [];
    return { entries, oldestAtMs: id === undefined ? null : Number.parseInt(id, 10) };
  }

  #page(before: string | null, fromMs: number | undefined): Promise<[string, string[]][]> {
    const newest = before === null ? '+' : `(${before}`;
    const oldest = fromMs === undefined ? '-' : String(Math.max(0, fromMs - clockSlackMs));
    return this.#store.attempt((client) =>
      client.xrevrange(this.#keys.entries, newest, oldest, 'COUNT', entriesPerRead),
    );
  }
}
