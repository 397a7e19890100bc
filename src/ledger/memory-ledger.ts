import { daysBetween } from '../base/days.ts';
import { decodeEntry } from './entry-text.ts';
import { ledgerEntryOf, type LedgerEntry } from './entry.ts';
import { passes, type EntryQuery, type LedgerReader } from './ledger.ts';
import { usageRows, usageSums, type UsageQuery, type UsageRow } from './totals.ts';

/** How far one call looks for entries that pass the filters, as in the other store. */
const entriesPerCall = 20_000;

/** The ledger of the embedded store: bounded like the real one, gone with the process. */
export class MemoryLedger implements LedgerReader {
  readonly #maxEntries: number;
  readonly #retentionDays: number;
  #entries: { sequence: number; text: string }[] = [];
  #sequence = 0;
  readonly #totals = new Map<string, Map<string, number[]>>();

  constructor(options: { maxEntries: number; retentionDays: number }) {
    this.#maxEntries = options.maxEntries;
    this.#retentionDays = options.retentionDays;
  }

  /** Writes an entry and adds its figures to its day, dropping what is older than the bounds. */
  append(entry: string, totals: { day: string; row: string; figures: readonly number[] }): void {
    this.#entries.push({ sequence: ++this.#sequence, text: entry });
    if (this.#entries.length >= this.#maxEntries * 1.1)
      this.#entries = this.#entries.slice(-this.#maxEntries);
    const day = this.#day(totals.day);
    const sums = day.get(totals.row) ?? [];
    day.set(
      totals.row,
      totals.figures.map((figure, n) => figure + (sums[n] ?? 0)),
    );
  }

  usage(query: UsageQuery): Promise<UsageRow[]> {
    const sums = usageSums(query);
    for (const day of daysBetween(query.from, query.to)) sums.add(day, this.#totals.get(day) ?? []);
    return Promise.resolve(usageRows(sums));
  }

  entries(query: EntryQuery): Promise<{ data: LedgerEntry[]; next_cursor: string | null }> {
    const data: LedgerEntry[] = [];
    const newest = this.#indexBefore(query.cursor);
    const last = Math.max(0, newest - entriesPerCall + 1);
    for (let at = newest; at >= last; at -= 1) {
      const { sequence, text } = this.#entries[at] ?? { sequence: 0, text: '' };
      const entry = decodeEntry(text);
      if (passes(entry, query)) data.push(ledgerEntryOf(entry));
      const isFull = data.length === query.limit;
      if (isFull || (at === last && at > 0)) return Promise.resolve({ data, next_cursor: `${sequence}-0` });
    }
    return Promise.resolve({ data, next_cursor: null });
  }

  /** Where the newest entry stands that is older than the cursor; -1: there is none. Sequences have no gaps. */
  #indexBefore(cursor: string | null): number {
    const newest = this.#entries.length - 1;
    if (cursor === null) return newest;
    const [oldest] = this.#entries;
    return Math.min(newest, Number.parseInt(cursor, 10) - 1 - (oldest?.sequence ?? 0));
  }

  extent(): Promise<{ entries: number; oldestAtMs: number | null }> {
    const [oldest] = this.#entries;
    const oldestAtMs = oldest ? decodeEntry(oldest.text).admittedAtMs : null;
    return Promise.resolve({ entries: this.#entries.length, oldestAtMs });
  }

  #day(day: string): Map<string, number[]> {
    const known = this.#totals.get(day);
    if (known) return known;
    const made = new Map<string, number[]>();
    this.#totals.set(day, made);
    const days = [...this.#totals.keys()].sort();
    for (const old of days.slice(0, -this.#retentionDays)) this.#totals.delete(old);
    return made;
  }
}
