import { z } from 'zod';
import type { Checked } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import { usageGroups, type UsageQuery } from '../ledger/entry.ts';
import { checkDays, dayParameters, groupList } from './day-range.ts';
import { filters } from './filters.ts';
import { type Asked, formatParameter } from './formats.ts';

/** The parameters of `/admin/usage`. */
export const usageParameters = z.strictObject({
  ...dayParameters,
  group_by: groupList(usageGroups).exactOptional(),
  format: formatParameter,
  ...filters,
});

/** Reads the query of `/admin/usage`: whole UTC days, today where nothing is said. */
export function parseUsageQuery(query: Record<string, string>, clock: Clock): Checked<Asked<UsageQuery>> {
  const checked = checkDays(usageParameters, query, clock);
  if (!checked.ok) return checked;
  const { from, to, group_by: groupBy = [], format, ...narrowed } = checked.value;
  return { ok: true, value: { format, query: { from, to, filters: narrowed, groupBy } } };
}
