import { setImmediate as turn } from 'node:timers/promises';
import { visibleTeams, type Actor } from '../base/actor.ts';
import { daysBetween } from '../base/days.ts';
import type { SumQuery } from '../ledger/day-sums.ts';
import type { Ledger, Page } from '../ledger/ledger.ts';

/** Of a whole list. */
export const rowsPerPage = 1_000;

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

/** Pages, and whether any has a row that counts: they are read up to the first such row. */
export async function begun<Row>(
  pages: AsyncGenerator<Row[]>,
  counts: (row: Row) => boolean,
): Promise<{ found: boolean; pages: AsyncGenerator<Row[]> }> {
  const read: Row[][] = [];
  let found = false;
  while (!found) {
    const step = await pages.next();
    if (step.done) break;
    read.push(step.value);
    found = step.value.some(counts);
  }
  return { found, pages: continued(read, pages) };
}

async function* continued<Row>(read: readonly Row[][], rest: AsyncGenerator<Row[]>): AsyncGenerator<Row[]> {
  yield* read;
  yield* rest;
}

/** All pages of a list that begins with `first`. Stops when the reader has left. */
export async function* pagesFrom<Row>(
  first: Page<Row>,
  read: (cursor: string) => Promise<Page<Row>>,
  left: AbortSignal,
): AsyncGenerator<Row[]> {
  yield first.data;
  let cursor = first.next_cursor;
  while (cursor !== null && !left.aborted) {
    // The embedded store answers immediately, so let other requests run in between.
    await turn();
    const page = await read(cursor);
    yield page.data;
    cursor = page.next_cursor;
  }
}

/** The ledger as an actor may read it: every query is limited to the actor's teams. */
export function visibleLedger(ledger: Ledger, actor: Actor): Ledger {
  const teams = visibleTeams(actor);
  if (teams === null) return ledger;
  return {
    maxDays: ledger.maxDays,
    usage: (query) => ledger.usage({ ...query, teams }),
    groupedUsage: (query) => ledger.groupedUsage({ ...query, teams }),
    entries: (query) => ledger.entries({ ...query, teams }),
    refusals: (query) => ledger.refusals({ ...query, teams }),
    groupedRefusals: (query) => ledger.groupedRefusals({ ...query, teams }),
  };
}
