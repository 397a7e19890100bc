import { daysBetween } from '../base/days.ts';
import { isBrokenDown, taken, withoutLabel } from './breakdown.ts';
import { decodeEntry } from './entry-text.ts';
import { ledgerEntryOf, type LedgerEntry } from './entry.ts';
import { clockSlackMs, passes, type EntryQuery, type Ledger, type Page } from './ledger.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { type DaySums, type GroupingsQuery, onlyGrouping } from './day-sums.ts';
import { refusalSums, type RefusalGroup, type RefusalQuery, type RefusalRow } from './refusal-count.ts';
import { decodeTotalsRow, type UsageGroup, type UsageQuery, type UsageRow } from './totals.ts';
import { usageRows, usageSums } from './usage-sums.ts';

const entriesPerRead = 500;
/** How many entries one call reads to find matching ones before it returns a cursor to continue from. */
const entriesPerCall = 20_000;

/**
 * A day with fewer rows takes one command. A larger one is read in parts, so it neither blocks the store nor fills the
 * memory.
 */
const rowsPerRead = 2_000;

/**
 * Reads the ledger that settling writes: entries from a stream, and sums from one hash per day. Methods reject with
 * `StoreUnavailable`.
 */
export class LedgerReader implements Ledger {
  /** Each day of a range costs a command. */
  readonly maxDays = 400;
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  async usage(query: UsageQuery): Promise<UsageRow[]> {
    return (await this.groupedUsage(onlyGrouping(query)))[0] ?? [];
  }

  async groupedUsage(query: GroupingsQuery<UsageGroup>): Promise<UsageRow[][]> {
    const sums = usageSums(query);
    await (isBrokenDown(query) ? this.#sumBreakdown(sums, query) : this.#sum(sums, query, this.#keys.totals));
    return usageRows(sums);
  }

  async refusals(query: RefusalQuery): Promise<RefusalRow[]> {
    return (await this.groupedRefusals(onlyGrouping(query)))[0] ?? [];
  }

  async groupedRefusals(query: GroupingsQuery<RefusalGroup>): Promise<RefusalRow[][]> {
    return (await this.#sum(refusalSums(query), query, this.#keys.refusals)).rows();
  }

  async entries(query: EntryQuery): Promise<Page<LedgerEntry>> {
    const data: LedgerEntry[] = [];
    let cursor = query.cursor;
    for (let seen = 0; seen < entriesPerCall; seen += entriesPerRead) {
      const page = await this.#page(cursor, query.admitted?.fromMs);
      for (const [id, fields] of page) {
        cursor = id;
        const [name, text = ''] = fields;
        if (name !== 'e') continue; // only what records need
        const entry = decodeEntry(text);
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

  /** Adds up the rows of all days of a query. */
  async #sum<Row>(
    sums: DaySums<Row>,
    { from, to }: { from: string; to: string },
    keyOf: (day: string) => string,
  ): Promise<DaySums<Row>> {
    for (const day of daysBetween(from, to)) {
      for await (const page of rowsOfHash(this.#store, keyOf(day))) sums.add(day, figuresOf(page));
    }
    return sums;
  }

  /** The same of the totals and of their breakdown, in which each team has a hash of its own. */
  async #sumBreakdown(
    sums: DaySums<UsageRow>,
    { from, to, teams, filters }: GroupingsQuery<UsageGroup>,
  ): Promise<void> {
    const isAsked = (team: string): boolean =>
      (teams?.includes(team) ?? true) && (filters.team === undefined || filters.team === team);
    for (const day of daysBetween(from, to)) {
      const found = new Set<string>();
      for await (const page of rowsOfHash(this.#store, this.#keys.totals(day))) {
        sums.add(day, figuresOf(page));
        for (const [name] of page) found.add(decodeTotalsRow(name).team);
      }
      for (const team of [...found].filter(isAsked)) {
        for await (const page of rowsOfHash(this.#store, this.#keys.breakdown(`${day}/${team}`))) {
          const rows = figuresOf(page.filter(([name]) => name.includes('\t')));
          sums.add(day, rows);
          sums.add(
            day,
            rows.map(([name, figures]) => [withoutLabel(name), taken(figures)] as const),
          );
        }
      }
    }
  }
}

/** Rows of a day, read. */
function figuresOf(page: readonly [name: string, figures: string][]): [name: string, figures: number[]][] {
  return page.map(([name, text]) => [name, text.split(' ').map(Number)]);
}

/**
 * All fields of a hash with their values, in pages, each field once. If a value changes meanwhile, it is the old or the
 * new one. Rejects with `StoreUnavailable`.
 */
async function* rowsOfHash(store: Store, key: string): AsyncGenerator<[string, string][]> {
  // HSCAN may return a field twice if the hash is resized between two reads (redis.io, SCAN guarantees).
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const [next, flat] = await store.attempt((client) => client.hscan(key, cursor, 'COUNT', rowsPerRead));
    const onlyPage = cursor === '0' && next === '0';
    const page: [string, string][] = [];
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const field = flat[at] ?? '';
      if (seen.has(field)) continue;
      if (!onlyPage) seen.add(field);
      page.push([field, flat[at + 1] ?? '']);
    }
    yield page;
    cursor = next;
  } while (cursor !== '0');
}
