import { setImmediate as turn } from 'node:timers/promises';
import { visibleTeams, type Actor } from '../base/actor.ts';
import { daysBetween } from '../base/days.ts';
import type { SumQuery } from '../ledger/day-sums.ts';
import type { LedgerReader } from '../ledger/ledger-reader.ts';

const rowsPerPage = 1_000;

/**
 * Sums of a range of days. If they are grouped by day they are read a day at a time, because no row belongs to two
 * days: memory never holds more than the rows of one day.
 */
export async function* sumsInPages<Query extends SumQuery<string>, Row>(
  query: Query,
  read: (query: Query) => Promise<Row[]>,
): AsyncGenerator<Row[]> {
  if (!query.groupBy.includes('day')) {
    yield await read(query);
    return;
  }
  for (const day of daysBetween(query.from, query.to)) yield await read({ ...query, from: day, to: day });
}

/** All pages of a list, starting at the query's cursor. Stops when the reader has left. */
export async function* allPages<Query extends { cursor: string | null }, Row>(
  query: Query,
  read: (query: Query & { limit: number }) => Promise<{ data: Row[]; next_cursor: string | null }>,
  left: AbortSignal,
): AsyncGenerator<Row[]> {
  let { cursor } = query;
  do {
    const page = await read({ ...query, limit: rowsPerPage, cursor });
    yield page.data;
    cursor = page.next_cursor;
    // The embedded store answers immediately, so let other requests run in between.
    await turn();
  } while (cursor !== null && !left.aborted);
}

/** The ledger as an actor may read it: every query is limited to the actor's teams. */
export function visibleLedger(ledger: Ledger, actor: Actor): Ledger {
  const teams = visibleTeams(actor);
  if (teams === null) return ledger;
  return {
    usage: (query) => ledger.usage({ ...query, teams }),
    entries: (query) => ledger.entries({ ...query, teams }),
    refusals: (query) => ledger.refusals({ ...query, teams }),
  };
}

type Ledger = Omit<LedgerReader, 'extent'>;
