import { unacceptedModel } from '../ledger/entry.ts';
import { encodeRefusalRow, type RefusedAs } from '../ledger/refusal-count.ts';
import { encodeTotalsRow, usageFigures, type TotalsRow } from '../ledger/totals.ts';
import { dayMs } from '../base/days.ts';
import type { Queries } from './database.ts';
import { addTo, type Sums } from './differences.ts';
import { usageColumns } from './sum-tables.ts';

/* What Postgres says of a day, by the rows' names in the store. Rejects with `RecordsUnavailable`. */

const nameColumns = 'team, user_id AS "user", token, model, endpoint';
const usageOfDay = `SELECT ${nameColumns}, ${usageColumns.join(', ')} FROM usage_days WHERE day = $1`;
const refusalsOfDay = `SELECT ${nameColumns}, code, limit_name AS "limit", refused,
  (EXTRACT(EPOCH FROM last_at) * 1000)::bigint AS last_ms FROM refusal_days WHERE day = $1`;

/** How each figure is summed from entries. */
const summed: Readonly<Partial<Record<string, string>>> = {
  requests: 'COUNT(*)',
  errors: "COUNT(*) FILTER (WHERE outcome = 'error')",
  aborted: "COUNT(*) FILTER (WHERE outcome = 'aborted')",
  lost: "COUNT(*) FILTER (WHERE outcome = 'lost')",
};
const figuresSummed = usageColumns.map((column) => `${summed[column] ?? `SUM(${column})`} AS ${column}`);
const entriesOfDay = `SELECT team, user_id AS "user", token, endpoint,
  CASE WHEN model_accepted THEN model ELSE '${unacceptedModel}' END AS model, ${figuresSummed.join(', ')}
  FROM entries WHERE admitted_at >= $1 AND admitted_at < $2 GROUP BY 1, 2, 3, 4, 5`;

type UsageRow = TotalsRow & Record<string, number | string | null>;

export async function recordedUsage(queries: Queries, day: string): Promise<Sums> {
  return usageIn(await queries.query<UsageRow>(usageOfDay, [day]));
}

/** The usage of a day, summed from its entries. */
export async function entryUsage(queries: Queries, day: string): Promise<Sums> {
  const from = Date.parse(day);
  return usageIn(await queries.query<UsageRow>(entriesOfDay, [new Date(from), new Date(from + dayMs)]));
}

/** How many were refused, and when the last of them was, ms. */
export async function recordedRefusals(queries: Queries, day: string): Promise<Sums> {
  const sums: Sums = new Map();
  const rows = await queries.query<RefusedAs & { refused: number; last_ms: number }>(refusalsOfDay, [day]);
  for (const { refused, last_ms: lastMs, ...row } of rows) sums.set(encodeRefusalRow(row), [refused, lastMs]);
  return sums;
}

function usageIn(rows: readonly UsageRow[]): Sums {
  const sums: Sums = new Map();
  for (const row of rows) {
    addTo(
      sums,
      encodeTotalsRow(row),
      usageFigures.map((_, at) => Number(row[usageColumns[at] ?? ''] ?? 0)),
    );
  }
  return sums;
}
