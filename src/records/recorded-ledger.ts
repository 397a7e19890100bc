import { dayOf } from '../base/days.ts';
import { breakdownRowOf, isBrokenDown } from '../ledger/breakdown.ts';
import { type EntryRecord, type LedgerEntry, ledgerEntryOf } from '../ledger/entry.ts';
import { type DaySums, type GroupingsQuery, onlyGrouping } from '../ledger/day-sums.ts';
import type { LedgerReader } from '../ledger/ledger-reader.ts';
import { type EntryQuery, type Ledger, type Page, passes } from '../ledger/ledger.ts';
import {
  refusalFigures,
  refusalSums,
  type RefusalGroup,
  type RefusalQuery,
  type RefusalRow,
} from '../ledger/refusal-count.ts';
import {
  totalsFigures,
  totalsRowOf,
  usageFigures,
  type UsageGroup,
  type UsageQuery,
  type UsageRow,
} from '../ledger/totals.ts';
import { usageRows, usageSums } from '../ledger/usage-sums.ts';
import type { StreamName } from './checkpoint.ts';
import { readEntry } from './drained-entries.ts';
import { readBatch } from './drained-refusals.ts';
import type { Element } from './drained-store.ts';
import { addBreakdown, recordedBreakdown } from './recorded-breakdown.ts';
import { recordedEntries } from './entry-search.ts';
import { joinedPage } from './joined-page.ts';
import { RecordsUnavailable } from './records-unavailable.ts';
import type { Seam } from './seam.ts';
import type { StoreAlone } from './store-alone.ts';
import { addRecorded, recordedSums, refusalTable, usageTable, type SumTable } from './sum-tables.ts';

const elementsPerCall = 20_000;

/**
 * The ledger in both places, as one. If Postgres cannot be read, the store answers for what it has by itself. Methods
 * reject with `RecordsUnavailable` for what is in Postgres only, and with `StoreUnavailable`.
 */
export class RecordedLedger implements Ledger {
  /** Sums of any range cost about the same; a bound all the same, since every day of it must have a name. */
  readonly maxDays = 36_500;
  readonly #seam: Seam;
  readonly #ledger: LedgerReader;
  readonly #alone: StoreAlone;

  constructor({ seam, ledger, alone }: { seam: Seam; ledger: LedgerReader; alone: StoreAlone }) {
    this.#seam = seam;
    this.#ledger = ledger;
    this.#alone = alone;
  }

  async usage(query: UsageQuery): Promise<UsageRow[]> {
    return (await this.groupedUsage(onlyGrouping(query)))[0] ?? [];
  }

  async groupedUsage(query: GroupingsQuery<UsageGroup>): Promise<UsageRow[][]> {
    if (isBrokenDown(query)) return usageRows(await this.#breakdown(query));
    const read = (): Promise<DaySums<UsageRow>> =>
      this.#sums(query, {
        stream: 'entries',
        table: usageTable,
        figures: usageFigures,
        empty: () => usageSums(query),
        addElement: addUsage,
      });
    return this.#orStore(
      async () => usageRows(await read()),
      (cause) => this.#alone.sums(query, cause, () => this.#ledger.groupedUsage(query)),
    );
  }

  async refusals(query: RefusalQuery): Promise<RefusalRow[]> {
    return (await this.groupedRefusals(onlyGrouping(query)))[0] ?? [];
  }

  async groupedRefusals(query: GroupingsQuery<RefusalGroup>): Promise<RefusalRow[][]> {
    const read = (): Promise<DaySums<RefusalRow>> =>
      this.#sums(query, {
        stream: 'refusals',
        table: refusalTable,
        figures: refusalFigures,
        empty: () => refusalSums(query),
        addElement: addRefusals,
      });
    return this.#orStore(
      async () => (await read()).rows(),
      (cause) => this.#alone.sums(query, cause, () => this.#ledger.groupedRefusals(query)),
    );
  }

  /** Last closed first. A page may be short or empty although there are more entries: then `next_cursor` is not null. */
  entries(query: EntryQuery): Promise<Page<LedgerEntry>> {
    return this.#orStore(
      () =>
        this.#seam.read('entries', {
          recorded: (queries) => recordedEntries(queries, query),
          join: (recorded, tail) =>
            joinedPage(query, {
              recorded,
              ...tail,
              maxElements: elementsPerCall,
              rowOf: (element) => {
                const entry = readEntry(element)?.entry;
                return entry !== undefined && passes(entry, query) ? ledgerEntryOf(entry) : null;
              },
            }),
        }),
      (cause) => this.#alone.entries(query, cause, () => this.#ledger.entries(query)),
    );
  }

  /** Only Postgres has it: the store by itself would not know of whom it does not. */
  #breakdown(query: GroupingsQuery<UsageGroup>): Promise<DaySums<UsageRow>> {
    return this.#seam.read('entries', {
      recorded: (queries) => recordedBreakdown(queries, query),
      join: async (recorded, { elements, after }) => {
        const sums = usageSums(query);
        addBreakdown(sums, recorded, query);
        for await (const page of elements.oldestFirst(after)) {
          for (const element of page) addUsage(sums, query, element, breakdownRowOf);
        }
        return sums;
      },
    });
  }

  #sums<Group extends string, Row>(
    query: GroupingsQuery<Group>,
    { stream, table, figures, empty, addElement }: SumSource<Group, Row>,
  ): Promise<DaySums<Row>> {
    return this.#seam.read(stream, {
      recorded: (queries) => recordedSums(queries, table, query),
      join: async (recorded, { elements, after }) => {
        const sums = empty();
        addRecorded(sums, recorded, { groupings: query.groupings, figures });
        for await (const page of elements.oldestFirst(after)) {
          for (const element of page) addElement(sums, query, element);
        }
        return sums;
      },
    });
  }

  async #orStore<Result>(
    read: () => Promise<Result>,
    alone: (cause: RecordsUnavailable) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof RecordsUnavailable) return alone(error);
      throw error;
    }
  }
}

type Days = Pick<GroupingsQuery<string>, 'from' | 'to'>;

interface SumSource<Group extends string, Row> {
  stream: StreamName;
  table: SumTable<Group>;
  figures: readonly string[];
  empty: () => DaySums<Row>;
  /** Adds an element of the stream. */
  addElement: (sums: DaySums<unknown>, query: Days, element: Element) => void;
}

function addUsage(
  sums: DaySums<unknown>,
  { from, to }: Days,
  element: Element,
  rowOf: (entry: EntryRecord) => string | null = totalsRowOf,
): void {
  const entry = readEntry(element)?.entry;
  if (entry === undefined) return;
  const day = dayOf(entry.admittedAtMs);
  if (day >= from && day <= to) sums.add(day, [[rowOf(entry) ?? totalsRowOf(entry), totalsFigures(entry)]]);
}

function addRefusals(sums: DaySums<unknown>, { from, to }: Days, element: Element): void {
  for (const { day, row, refused, lastMs } of readBatch(element)?.counts ?? []) {
    if (day >= from && day <= to) sums.add(day, [[row, [refused, lastMs]]]);
  }
}
