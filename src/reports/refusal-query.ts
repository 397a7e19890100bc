import { z } from 'zod';
import type { Checked } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import { type ErrorCode, errorTable } from '../base/refusal.ts';
import { otherEndpoint, refusalGroups, type RefusalQuery } from '../ledger/refusal-count.ts';
import { checkDays, dayParameters, groupList } from './day-range.ts';
import { whoFilters } from './filters.ts';
import { type Asked, formatParameter } from './formats.ts';

const codes = Object.keys(errorTable) as ErrorCode[]; // its keys are the codes

/** The parameters of `/admin/refusals`. */
export const refusalParameters = z.strictObject({
  ...dayParameters,
  group_by: groupList(refusalGroups).exactOptional(),
  format: formatParameter,
  ...whoFilters,
  endpoint: z
    .string()
    .regex(
      new RegExp(`^(?:${otherEndpoint}|/[A-Za-z0-9._/-]{1,127})$`),
      `must be a path such as /v1/chat/completions, or ${otherEndpoint}`,
    )
    .exactOptional(),
  code: z.enum(codes, 'must be an error code such as insufficient_quota').exactOptional(),
});

/** Reads the query of `/admin/refusals`: whole UTC days, today where nothing is said. */
export function parseRefusalQuery(query: Record<string, string>, clock: Clock): Checked<Asked<RefusalQuery>> {
  const checked = checkDays(refusalParameters, query, clock);
  if (!checked.ok) return checked;
  const { from, to, group_by: groupBy = [], format, ...narrowed } = checked.value;
  return { ok: true, value: { format, query: { from, to, filters: narrowed, groupBy } } };
}
