import { setImmediate as turn } from 'node:timers/promises';
import { daysBetween } from '../base/days.ts';
import type { EntryQuery, LedgerEntry, LedgerReader } from '../ledger/entry.ts';

const entriesPerPage = 1_000;

/**
 * Sums of a range of days. Told by day they are read a day at a time, since no row is of two: so there is never more in
 * memory than one day has, or than the groups without days have.
 */
export async function* sumsInPages<Query extends SumQuery, Row>(
  query: Query,
  read: (query: Query) => Promise<Row[]>,
): AsyncGenerator<Row[]> {
  if (!query.groupBy.includes('day')) {
    yield await read(query);
    return;
  }
  for (const day of daysBetween(query.from, query.to)) yield await read({ ...query, from: day, to: day });
}

interface SumQuery {
  from: string;
  to: string;
  groupBy: readonly string[];
}

/** Every entry that passes, the newest closed first, until whoever reads them has left. */
export async function* entriesInPages(
  ledger: Pick<LedgerReader, 'entries'>,
  query: Omit<EntryQuery, 'limit'>,
  left: AbortSignal,
): AsyncGenerator<LedgerEntry[]> {
  let { cursor } = query;
  do {
    const page = await ledger.entries({ ...query, limit: entriesPerPage, cursor });
    yield page.data;
    cursor = page.next_cursor;
    // The embedded store answers at once: others must have their turn.
    await turn();
  } while (cursor !== null && !left.aborted);
}
