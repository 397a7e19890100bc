import { dayMs } from '../base/days.ts';
import { labelsIn, taken } from '../ledger/breakdown.ts';
import type { DaySums, GroupingsQuery } from '../ledger/day-sums.ts';
import { unacceptedModel } from '../ledger/entry.ts';
import { type LabelGroup, usageFigures, type UsageGroup } from '../ledger/totals.ts';
import { Conditions } from './conditions.ts';
import type { Queries } from './database.ts';
import {
  addRecorded,
  recordedSums,
  type SumRow,
  type SumTable,
  usageColumns,
  usageTable,
} from './sum-tables.ts';

/*
 * Sums by tags and end user are made from entries, which have both: they go with the entries, and so does whom an entry
 * names. What no entry tells of is the rest of the sums of days, which are kept for ever.
 */

/** Sums of all requests without labels, and those of the requests that have some. */
export interface RecordedBreakdown {
  readonly all: readonly SumRow[];
  readonly labelled: readonly SumRow[];
}

/** Rejects with `RecordsUnavailable`. */
export async function recordedBreakdown(
  queries: Queries,
  query: GroupingsQuery<UsageGroup>,
): Promise<RecordedBreakdown> {
  const { grouped, filtered } = labelsIn(query);
  const labels = [...new Set([...grouped, ...filtered])];
  // A filter on a label leaves nothing of the rest.
  const all = filtered.length > 0 ? [] : await recordedSums(queries, withoutLabels(labels), query);
  const from = new Date(Date.parse(query.from));
  const before = new Date(Date.parse(query.to) + dayMs);
  const months = new Conditions().add('admitted_at >= ? AND admitted_at < ?', from, before);
  return { all, labelled: await recordedSums(queries, entriesWith(labels), query, months) };
}

/** Adds it to the sums of the ledger. */
export function addBreakdown(
  sums: DaySums<unknown>,
  { all, labelled }: RecordedBreakdown,
  query: GroupingsQuery<UsageGroup>,
): void {
  const { groupings } = query;
  const { grouped, filtered } = labelsIn(query);
  addRecorded(sums, all, { groupings, figures: usageFigures });
  addRecorded(sums, labelled, { groupings, figures: usageFigures });
  if (filtered.length > 0) return;
  const rest = labelled.map((row) => {
    const unlabelled = grouped.map((label) => [label, null] as const);
    const figures = taken(usageFigures.map((_, at) => Number(row[at] ?? 0)));
    return { ...row, ...Object.fromEntries([...unlabelled, ...figures.entries()]) };
  });
  addRecorded(sums, rest, { groupings, figures: usageFigures });
}

function withoutLabels(labels: readonly LabelGroup[]): SumTable<UsageGroup> {
  const none = labels.map((label) => `NULL::text AS ${quoted(label)}`);
  return tableOf(labels, `SELECT *, ${none.join(', ')} FROM usage_days`);
}

/** What an entry adds to each figure, where that is no column of its own. */
const added: Readonly<Partial<Record<string, string>>> = {
  requests: '1',
  errors: "(outcome = 'error')::int",
  aborted: "(outcome = 'aborted')::int",
  lost: "(outcome = 'lost')::int",
};

function entriesWith(labels: readonly LabelGroup[]): SumTable<UsageGroup> {
  const columns = [
    'admitted_at',
    "(admitted_at AT TIME ZONE 'UTC')::date AS day",
    'team, user_id, token, endpoint',
    `CASE WHEN model_accepted THEN model ELSE '${unacceptedModel}' END AS model`,
    ...labels.map((label) => `${valueOf(label)} AS ${quoted(label)}`),
    ...usageColumns.map((column) => `${added[column] ?? column} AS ${column}`),
  ];
  return tableOf(
    labels,
    `SELECT ${columns.join(', ')} FROM entries WHERE (tags IS NOT NULL OR end_user IS NOT NULL)`,
  );
}

function tableOf(labels: readonly LabelGroup[], select: string): SumTable<UsageGroup> {
  const columns = Object.fromEntries(labels.map((label) => [label, quoted(label)]));
  return { ...usageTable, name: `(${select}) AS sums`, columns: { ...usageTable.columns, ...columns } };
}

/** The value of a label in an entry. A key has no character that means anything in a pattern or a text. */
function valueOf(label: LabelGroup): string {
  return label === 'end_user' ? label : `substring(',' || tags FROM ',${keyOf(label)}=([^,]*)')`;
}

function quoted(label: LabelGroup): string {
  return label === 'end_user' ? label : `"tag:${keyOf(label)}"`;
}

/** Throws for a key that no tag can have: keys become part of a statement. */
function keyOf(label: LabelGroup): string {
  const [, key] = /^tag:([a-z][a-z0-9_-]*)$/.exec(label) ?? [];
  if (key === undefined) throw new TypeError('This is no key of a tag.');
  return key;
}
