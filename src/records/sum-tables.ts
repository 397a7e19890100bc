import type { DaySums, SumQuery } from '../ledger/day-sums.ts';
import type { RefusalGroup } from '../ledger/refusal-count.ts';
import { usageFigures, type UsageGroup } from '../ledger/totals.ts';
import { Conditions } from './conditions.ts';
import type { Queries } from './database.ts';

/** A table of sums: one row for each day and name. */
export interface SumTable<Group extends string> {
  name: string;
  /** The column of each group. */
  columns: Readonly<Record<Group, string>>;
  /** What sums each figure of the ledger, in its order. */
  figures: readonly string[];
}

/** Of the figures whose columns have another name. */
const figureColumns: Readonly<Partial<Record<string, string>>> = { cost_usd: 'cost_nano_usd' };

/** The columns of figures in `usage_days`, in the order of `usageFigures`. */
export const usageColumns = usageFigures.map((figure) => figureColumns[figure] ?? figure);

export const usageTable: SumTable<UsageGroup> = {
  name: 'usage_days',
  columns: {
    day: 'day',
    team: 'team',
    user: 'user_id',
    token: 'token',
    model: 'model',
    endpoint: 'endpoint',
  },
  figures: usageColumns.map((column) => `SUM(${column})`),
};

export const refusalTable: SumTable<RefusalGroup> = {
  name: 'refusal_days',
  columns: {
    day: 'day',
    team: 'team',
    user: 'user_id',
    token: 'token',
    endpoint: 'endpoint',
    code: 'code',
    model: 'model',
    limit: 'limit_name',
  },
  figures: ['SUM(refused)', '(EXTRACT(EPOCH FROM MAX(last_at)) * 1000)::bigint'],
};

/** A sum; null if there were no rows. */
type SumRow = Readonly<Record<string, string | number | null>>;

/** The sums that a query asks for, each with its groups. Rejects with `RecordsUnavailable`. */
export function recordedSums<Group extends string>(
  queries: Queries,
  { name, columns, figures }: SumTable<Group>,
  { from, to, filters, groupBy, teams }: SumQuery<Group>,
): Promise<SumRow[]> {
  const conditions = new Conditions()
    .add('day BETWEEN ?::date AND ?::date', from, to)
    .equal(columns, filters);
  if (teams !== undefined) conditions.add('team = ANY(?)', teams);
  const selected = [
    ...groupBy.map((group) => `${columns[group]} AS "${group}"`),
    ...figures.map((figure, at) => `${figure} AS "${at}"`),
  ];
  const grouped = groupBy.length === 0 ? '' : `GROUP BY ${groupBy.map((group) => columns[group]).join(', ')}`;
  return queries.query<SumRow>(
    `SELECT ${selected.join(', ')} FROM ${name} ${conditions.where} ${grouped}`,
    conditions.values,
  );
}

/** Adds recorded sums to those of the ledger. */
export function addRecorded(
  sums: DaySums<unknown>,
  rows: readonly SumRow[],
  { groupBy, figures }: { groupBy: readonly string[]; figures: readonly string[] },
): void {
  for (const row of rows) {
    // In a table, an empty text stands for what is not known.
    const group = Object.fromEntries(groupBy.map((by) => [by, String(row[by] ?? '') || null]));
    sums.addSums(
      group,
      figures.map((_, at) => Number(row[at] ?? 0)),
    );
  }
}
