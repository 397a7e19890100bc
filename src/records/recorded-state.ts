import { dayMs, dayOf } from '../base/days.ts';
import { encodeRefusalRow } from '../ledger/refusal-count.ts';
import { encodeTotalsRow } from '../ledger/totals.ts';
import { windowIndex } from '../limits/window.ts';
import type { ErrorCode } from '../base/refusal.ts';
import type { Database, Queries } from './database.ts';
import { type Position, readPosition } from './lease.ts';
import { usageColumns } from './sum-tables.ts';
import { readIdentities, type RecordedIdentities } from './recorded-identities.ts';

/** What a limit of a day or a month was charged in the window that is now. */
export interface RecordedCounter {
  readonly team: string;
  readonly field: string;
  readonly index: number;
  readonly charged: number;
}

/** A row of a day's hash: its name, and its figures. */
export type DayRow = readonly [name: string, figures: string];

export interface RecordedAudit {
  readonly id: string;
  readonly hash: string;
  readonly text: string;
}

/** What a store is restored from, as it is at one moment. */
export interface RecordedState extends RecordedIdentities {
  readonly position: Position;
  readonly counters: readonly RecordedCounter[];
  /** The newest entries of the trail, oldest first, and what comes before them; null: nothing does. */
  readonly audit: readonly RecordedAudit[];
  readonly anchor: { readonly sequence: number; readonly hash: string } | null;
  /** By day. */
  readonly totals: ReadonlyMap<string, readonly DayRow[]>;
  readonly refusals: ReadonlyMap<string, readonly DayRow[]>;
  /** The first day of which `totals` and `refusals` have all that there is. */
  readonly sumsFrom: string;
  /** Grants that were closed last: whoever has not heard of it closes them again. */
  readonly closed: readonly string[];
  /** The last batch of refusals that each process has handed over. */
  readonly batches: readonly { readonly process: string; readonly sequence: number }[];
}

/** What of the records goes back into a store; the rest is read from Postgres. */
const bounds = {
  days: 35,
  rows: 20_000,
  audit: 1_000,
  auditBytes: 1_048_576,
  closedMs: 900_000,
  closed: 10_000,
};

/** Reads what a store is restored from. `nowMs` is the store's clock. Rejects with `RecordsUnavailable`. */
export function readRecorded(database: Database, nowMs: number): Promise<RecordedState> {
  return database.transaction(async (queries) => {
    const position = await readPosition(queries);
    const days = {
      totals: await daysIn(queries, 'usage_days', nowMs),
      refusals: await daysIn(queries, 'refusal_days', nowMs),
    };
    return {
      position,
      ...(await readIdentities(queries)),
      counters: await readCounters(queries, nowMs),
      ...(await readAudit(queries)),
      totals: await readTotals(queries, days.totals.days),
      refusals: await readRefusals(queries, days.refusals.days),
      sumsFrom: [days.totals.from, days.refusals.from].toSorted()[1] ?? '',
      closed: await readClosed(queries),
      batches: await queries.query(
        "SELECT process, sequence FROM refusal_batches WHERE counted_at > now() - interval '1 day'",
      ),
    };
  }, 'REPEATABLE READ');
}

/** A clock that was set back reserves in the window that its counters had come to. */
function readCounters(queries: Queries, nowMs: number): Promise<RecordedCounter[]> {
  const [day, month] = [windowIndex('day', nowMs), windowIndex('month', nowMs)];
  return queries.query(
    `SELECT team, field, window_index AS index, charged FROM counters
     WHERE window_index BETWEEN $1 AND $1 + 1 OR window_index BETWEEN $2 AND $2 + 1`,
    [day, month],
  );
}

async function readAudit(queries: Queries): Promise<Pick<RecordedState, 'audit' | 'anchor'>> {
  const newest = await queries.query<RecordedAudit & { sequence: number | null }>(
    `SELECT DISTINCT ON (stream_ms, stream_seq) stream_ms || '-' || stream_seq AS id, sequence, hash, text
     FROM audit_entries ORDER BY stream_ms DESC, stream_seq DESC LIMIT $1`,
    [bounds.audit + 1],
  );
  let bytes = 0;
  const audit = newest.filter(
    ({ text }, n) => n < bounds.audit && (bytes += text.length) <= bounds.auditBytes,
  );
  const before = newest[audit.length];
  const first = audit.at(-1);
  // One that somebody altered has no number: it is the one before the next.
  const sequence = before?.sequence ?? (first?.sequence ?? 1) - 1;
  return { audit: audit.toReversed(), anchor: before ? { sequence, hash: before.hash } : null };
}

/** The days that fit, whole, since `ledger verify` compares them; and the first one from which they all do. */
async function daysIn(
  queries: Queries,
  table: 'usage_days' | 'refusal_days',
  nowMs: number,
): Promise<{ days: string[]; from: string }> {
  const days = await queries.query<{ day: string; rows: number }>(
    `SELECT day, count(*) AS rows FROM ${table} WHERE day > $1 GROUP BY day ORDER BY day DESC`,
    [dayOf(nowMs - bounds.days * dayMs)],
  );
  let rows = 0;
  const fitting = days.filter((day) => (rows += day.rows) <= bounds.rows).map(({ day }) => day);
  if (fitting.length === days.length)
    return { days: fitting, from: dayOf(nowMs - (bounds.days - 1) * dayMs) };
  return { days: fitting, from: fitting.at(-1) ?? dayOf(nowMs + dayMs) };
}

async function readTotals(queries: Queries, days: readonly string[]): Promise<ReadonlyMap<string, DayRow[]>> {
  const rows = await queries.query<Record<string, string> & { day: string }>(
    `SELECT day, team, user_id, token, model, endpoint, ${usageColumns.join(', ')} FROM usage_days WHERE day = ANY($1)`,
    [days],
  );
  return byDay(rows, (row) => {
    const { team = '', user_id: user = '', token = '', model = '', endpoint = '' } = row;
    const name = encodeTotalsRow({ team, user, token, model, endpoint });
    return [name, usageColumns.map((column) => row[column]).join(' ')];
  });
}

interface RefusalDay {
  day: string;
  team: string;
  user_id: string;
  token: string;
  endpoint: string;
  code: ErrorCode;
  model: string;
  limit_name: string;
  refused: number;
  last_at: Date;
}

async function readRefusals(
  queries: Queries,
  days: readonly string[],
): Promise<ReadonlyMap<string, DayRow[]>> {
  const rows = await queries.query<RefusalDay>('SELECT * FROM refusal_days WHERE day = ANY($1)', [days]);
  return byDay(rows, ({ team, user_id: user, token, endpoint, code, model, limit_name: limit, ...row }) => [
    encodeRefusalRow({
      team: team || null,
      user: user || null,
      token: token || null,
      endpoint,
      code,
      model: model || null,
      limit: limit || null,
    }),
    `${row.refused} ${row.last_at.getTime()}`,
  ]);
}

function byDay<Row extends { day: string }>(
  rows: readonly Row[],
  rowOf: (row: Row) => DayRow,
): ReadonlyMap<string, DayRow[]> {
  const days = new Map<string, DayRow[]>();
  for (const row of rows) {
    const known = days.get(row.day);
    if (known) known.push(rowOf(row));
    else days.set(row.day, [rowOf(row)]);
  }
  return days;
}

/** Of the last minutes in which anything was closed: whoever waits for the store has waited since then. */
async function readClosed(queries: Queries): Promise<string[]> {
  const [newest] = await queries.query<{ ms: number | null }>('SELECT max(closed_ms) AS ms FROM entries');
  const closed = await queries.query<{ id: string }>(
    'SELECT id FROM entries WHERE closed_ms > $1 ORDER BY closed_ms DESC, closed_seq DESC LIMIT $2',
    [(newest?.ms ?? 0) - bounds.closedMs, bounds.closed],
  );
  return closed.map(({ id }) => id);
}
