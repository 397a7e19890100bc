import { nanoUsdPerUsd } from '../base/price.ts';
import { namesFor } from './breakdown.ts';
import { DaySums, type GroupingsQuery } from './day-sums.ts';
import { usageFigures, type UsageGroup, type UsageRow } from './totals.ts';

/** Sums days of totals by group, and of their breakdown if the query needs that. */
export function usageSums(query: GroupingsQuery<UsageGroup>): DaySums<UsageRow> {
  return new DaySums({ query, figures: usageFigures, decodeName: namesFor(query) });
}

/** Summed rows of each grouping as callers see them: money in dollars. */
export function usageRows(sums: DaySums<UsageRow>): UsageRow[][] {
  const inDollars = (row: UsageRow): UsageRow => ({ ...row, cost_usd: row.cost_usd / nanoUsdPerUsd });
  return sums.rows().map((rows) => rows.map(inDollars));
}
