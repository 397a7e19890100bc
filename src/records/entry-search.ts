import { type LedgerEntry, unacceptedModel } from '../ledger/entry.ts';
import { clockSlackMs, type EntryQuery } from '../ledger/ledger.ts';
import { idParts } from './checkpoint.ts';
import { addTags, Conditions } from './conditions.ts';
import type { Queries } from './database.ts';
import { type EntryRow, placedEntry } from './entry-rows.ts';
import type { PlacedRow } from './joined-page.ts';

/*
 * Postgres is not asked for the newest rows that pass among all: if it takes a filter for a common one, it walks the order
 * of closing, and if it is wrong (nobody knows that a user left last year, or that a user's requests never fail), that
 * takes seconds. It is asked for all rows that pass in a window of time, so it always takes the least work; and windows
 * grow, so that a common filter finds its page in the first one.
 */

/** How much longer each window is than the one before. */
const growth = 8;
/** Only requests that ran for longer, or were closed as lost, were closed so long after the end of a range. */
const lateAfterMs = 3_600_000;

/** Where an element stands in the order of closing. */
interface Place {
  ms: number;
  seq: number;
}

const filterColumns = {
  team: 'team',
  user: 'user_id',
  token: 'token',
  session: 'session',
  end_user: 'end_user',
  endpoint: 'endpoint',
  outcome: 'outcome',
};

/**
 * A page of entries, the last closed first. `firstWindowRows`: how many entries are in the first window. Rejects with
 * `RecordsUnavailable`.
 */
export async function recordedEntries(
  queries: Queries,
  query: EntryQuery,
  { firstWindowRows = 5_000 } = {},
): Promise<PlacedRow<LedgerEntry>[]> {
  const { cursor, limit, admitted = {} } = query;
  const before = cursor === null ? null : idParts(cursor);
  const rows: EntryRow[] = [];
  const windows = isNarrowed(query)
    ? windowsOf(queries, { ...admitted, before, firstWindowRows })
    : [{ from: null, before }];
  for await (const window of windows) {
    rows.push(...(await rowsIn(queries, query, { ...window, limit: limit - rows.length })));
    if (rows.length >= limit) break;
  }
  return rows.map(placedEntry);
}

/** From one place in the order of closing, itself included, to before another. Null: from the first one, to the last. */
interface Window {
  from: Place | null;
  before: Place | null;
}

type Search = NonNullable<EntryQuery['admitted']> & { before: Place | null; firstWindowRows: number };

/** The windows to look through, the newest first. */
async function* windowsOf(
  queries: Queries,
  { fromMs, beforeMs, before: cursor, firstWindowRows }: Search,
): AsyncGenerator<Window> {
  let before = cursor;
  const lateMs = (beforeMs ?? Infinity) + lateAfterMs;
  if (lateMs !== Infinity && (before?.ms ?? Infinity) >= lateMs) {
    const from = { ms: lateMs, seq: 0 };
    yield { from, before };
    before = from;
  }
  const { newestMs, firstMs, oldestMs } = await extentBefore(queries, before, firstWindowRows);
  const earliestMs = Math.max(oldestMs, fromMs === undefined ? -Infinity : fromMs - clockSlackMs);
  let spanMs = Math.max(1, newestMs - firstMs);
  for (let ms = firstMs; ms > earliestMs; ms -= spanMs) {
    const from = { ms, seq: 0 };
    yield { from, before };
    before = from;
    spanMs *= growth;
  }
  yield { from: null, before };
}

/** When the newest and the oldest entry before a place were closed, and the oldest one of the first window. */
async function extentBefore(
  queries: Queries,
  before: Place | null,
  firstWindowRows: number,
): Promise<{ newestMs: number; firstMs: number; oldestMs: number }> {
  const conditions = new Conditions();
  addBefore(conditions, before);
  const closedMs = `SELECT closed_ms FROM entries ${conditions.where} ORDER BY closed_ms DESC, closed_seq DESC LIMIT 1`;
  const [extent] = await queries.query<Record<'newest' | 'first' | 'oldest', number | null>>(
    `SELECT (${closedMs}) AS newest, (${closedMs} OFFSET ${firstWindowRows}) AS first,
       (SELECT MIN(closed_ms) FROM entries) AS oldest`,
    conditions.values,
  );
  const oldestMs = extent?.oldest ?? 0;
  return { newestMs: extent?.newest ?? oldestMs, firstMs: extent?.first ?? oldestMs, oldestMs };
}

function isNarrowed({ filters, tags, teams, admitted }: EntryQuery): boolean {
  const isFiltered = Object.values(filters).some((wanted) => wanted !== undefined);
  return isFiltered || tags !== undefined || teams !== undefined || admitted !== undefined;
}

function rowsIn(
  queries: Queries,
  query: EntryQuery,
  { from, before, limit }: Window & { limit: number },
): Promise<EntryRow[]> {
  const conditions = conditionsOf(query);
  addBefore(conditions, before);
  if (from !== null) conditions.add('(closed_ms, closed_seq) >= (?, ?)', from.ms, from.seq);
  // A sum is not what the index has in order.
  const order = isNarrowed(query) ? 'closed_ms + 0' : 'closed_ms';
  return queries.query<EntryRow>(
    `SELECT * FROM entries ${conditions.where} ORDER BY ${order} DESC, closed_seq DESC LIMIT ${limit}`,
    conditions.values,
  );
}

function addBefore(conditions: Conditions, before: Place | null): void {
  if (before !== null) conditions.add('(closed_ms, closed_seq) < (?, ?::bigint)', before.ms, before.seq);
}

function conditionsOf({ filters, tags, teams, admitted }: EntryQuery): Conditions {
  const { model, ...others } = filters;
  const conditions = new Conditions().equal(filterColumns, others);
  if (model === unacceptedModel) conditions.add('NOT model_accepted');
  else if (model !== undefined) conditions.add('model = ? AND model_accepted', model);
  if (tags !== undefined) addTags(conditions, tags);
  if (teams !== undefined) conditions.add('team = ANY(?)', teams);
  if (admitted?.fromMs !== undefined) conditions.add('admitted_at >= ?', new Date(admitted.fromMs));
  if (admitted?.beforeMs !== undefined) conditions.add('admitted_at < ?', new Date(admitted.beforeMs));
  return conditions;
}
