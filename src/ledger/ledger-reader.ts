import { daysBetween } from '../base/days.ts';
import { decodeEntry } from './entry-text.ts';
import { ledgerEntryOf, type LedgerEntry } from './entry.ts';
import { passes, type EntryQuery } from './ledger.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { rowsOfHash } from './hash-rows.ts';
import { usageRows, usageSums, type UsageQuery, type UsageRow } from './totals.ts';

const entriesPerRead = 500;
/** How far one call looks for entries that pass the filters, before it hands back a cursor to go on from. */
const entriesPerCall = 20_000;
/** An entry's id is the time it was closed, so no earlier than it was admitted, but for a clock set back by less. */
const clockSlackMs = 3_600_000;

/** Reads the ledger that settling writes: entries from a stream, sums from one hash a day. */
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

  /** Newest closed first. A page may be short, or empty, while there are more: `next_cursor` says so. */
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

  /** How many entries are kept, and since when (ms since the epoch; null if there are none): older ones were trimmed. */
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
