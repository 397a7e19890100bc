import type { DaySums, GroupingsQuery } from '../ledger/day-sums.ts';
import { type RefusalGroup, wouldRefuse } from '../ledger/refusal-count.ts';
import { usageFigures, type UsageGroup } from '../ledger/totals.ts';
import { Conditions } from './conditions.ts';
import type { Queries } from './database.ts';

/** A table of sums: one row for each day and name. */
export interface SumTable<Group extends string> {
  name: string;
  /** The column of each group that it has. */
  columns: Readonly<Partial<Record<Group, string>>>;
  /** What sums each figure of the ledger, in its order. */
  figures: readonly string[];
  /** Rows with this value are counted only if it is asked for; absent: all are. */
  apart?: { group: Group; value: string };
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
  apart: { group: 'code', value: wouldRefuse },
};

/** The sums of a group: `set` says of which grouping. A sum is null if there were no rows. */
export type SumRow = Readonly<Record<string, string | number | null>>;

/**
 * The sums that a query asks for, in all its groupings by one reading of the table. `conditions`: what rows must be
 * besides. Rejects with `RecordsUnavailable`.
 */
export function recordedSums<Group extends string>(
  queries: Queries,
  { name, columns, figures, apart }: SumTable<Group>,
  { from, to, filters, groupings, teams }: GroupingsQuery<Group>,
  conditions = new Conditions(),
): Promise<SumRow[]> {
  conditions.add('day BETWEEN ?::date AND ?::date', from, to).equal(columns, filters);
  if (teams !== undefined) conditions.add('team = ANY(?)', teams);
  const wanted: Readonly<Record<string, string | undefined>> = filters;
  if (apart && wanted[apart.group] !== apart.value)
    conditions.add(`${columns[apart.group]} <> ?`, apart.value);
  const groups = groupsOf(groupings);
  const columnsOf = (some: readonly Group[]): string =>
    some.map((group) => columns[group] ?? 'NULL').join(', ');
  const selected = [
    groups.length === 0 ? '0 AS set' : `GROUPING(${columnsOf(groups)}) AS set`,
    ...groups.map((group) => `${columns[group] ?? 'NULL'} AS "${group}"`),
    ...figures.map((figure, at) => `${figure} AS "${at}"`),
  ];
  const sets = groupings.map((grouping) => `(${columnsOf(grouping)})`);
  return queries.query<SumRow>(
    `SELECT ${selected.join(', ')} FROM ${name} ${conditions.where} GROUP BY GROUPING SETS (${sets.join(', ')})`,
    conditions.values,
  );
}

/** Every group of some grouping, once. */
function groupsOf<Group extends string>(groupings: readonly (readonly Group[])[]): Group[] {
  return [...new Set(groupings.flat())];
}

/** What GROUPING() says of a row of this grouping: a bit for each group, 1 if it is not among them. */
function setOf<Group extends string>(grouping: readonly Group[], groups: readonly Group[]): number {
  return groups.reduce((bits, group) => bits * 2 + (grouping.includes(group) ? 0 : 1), 0);
}

/** Adds recorded sums to those of the ledger. */
export function addRecorded(
  sums: DaySums<unknown>,
  rows: readonly SumRow[],
  { groupings, figures }: { groupings: readonly (readonly string[])[]; figures: readonly string[] },
): void {
  const groups = groupsOf(groupings);
  const groupingOf = new Map(groupings.map((grouping, at) => [setOf(grouping, groups), at]));
  for (const row of rows) {
    const at = groupingOf.get(Number(row['set'])) ?? 0;
    // In a table, an empty text stands for what is not known.
    const group = Object.fromEntries((groupings[at] ?? []).map((by) => [by, String(row[by] ?? '') || null]));
    sums.addSums(
      at,
      group,
      figures.map((_, figure) => Number(row[figure] ?? 0)),
    );
  }
}
