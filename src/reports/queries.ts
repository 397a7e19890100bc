import { z } from 'zod';
import type { AuditQuery } from '../audit/audit.ts';
import { endUser, label, slug } from '../base/fields.ts';
import { errorCodes, invalidBody, Refusal } from '../base/refusal.ts';
import type { EntryQuery } from '../ledger/ledger.ts';
import { outcomes } from '../ledger/ledger-response.ts';
import { otherEndpoint, refusalGroups, type RefusalQuery, wouldRefuse } from '../ledger/refusal-count.ts';
import type { UsageQuery } from '../ledger/totals.ts';
import { type Form, formParameters } from './formats.ts';
import {
  checkDays,
  checkRange,
  type DayBounds,
  filters,
  groupList,
  pageParameters,
  rangeParameters,
  tagFilter,
  usageGroupList,
  whoFilters,
} from './parameters.ts';

/** The query of a request for a report, and the form that it names. */
export interface Asked<Query> {
  query: Query;
  form: Form;
}

/** A query for a list in pages. `limit` is null if none was given. */
export type AskedPage<Query> = Omit<Query, 'limit'> & { limit: number | null };

/** The parameters of `/admin/usage`. */
export const usageParameters = z.strictObject({
  ...rangeParameters,
  group_by: usageGroupList.exactOptional(),
  end_user: endUser.exactOptional(),
  tag: tagFilter.exactOptional(),
  top: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, 'must be a whole number from 1 to 9999')
    .transform(Number)
    .meta({ description: 'Only so many rows, those that cost most first; not with day.' })
    .exactOptional(),
  ...formParameters,
  ...filters,
});

/** A query of usage. `top`: only so many rows, those that cost most first; null: all, in the order of their groups. */
export type AskedUsage = UsageQuery & { top: number | null };

export function parseUsageQuery(url: string, bounds: DayBounds): Asked<AskedUsage> | Refusal {
  const checked = checkDays(usageParameters, url, bounds);
  if (checked instanceof Refusal) return checked;
  const { from, to, group_by: groupBy = [], format, bom, tag = {}, top = null, ...narrowed } = checked;
  if (top !== null && groupBy.includes('day')) {
    const message = 'top is not for groups by day: leave day out of group_by, or leave top out.';
    return invalidBody([{ param: 'top', message }], 'invalid_request');
  }
  const tags = Object.fromEntries(Object.entries(tag).map(([key, value]) => [`tag:${key}`, value] as const));
  return { form: { format, bom }, query: { from, to, filters: { ...narrowed, ...tags }, groupBy, top } };
}

/** The parameters of `/admin/refusals`. */
export const refusalParameters = z.strictObject({
  ...rangeParameters,
  group_by: groupList(refusalGroups).exactOptional(),
  ...formParameters,
  ...whoFilters,
  endpoint: z
    .string()
    .regex(
      new RegExp(`^(?:${otherEndpoint}|/[A-Za-z0-9._/-]{1,127})$`),
      `must be a path such as /v1/chat/completions, or ${otherEndpoint}`,
    )
    .exactOptional(),
  code: z
    .enum([...errorCodes, wouldRefuse], 'must be an error code such as insufficient_quota')
    .exactOptional()
    .meta({
      description: `${wouldRefuse}: not refusals, but requests that an observe-only limit had no room for.`,
    }),
});

export function parseRefusalQuery(url: string, bounds: DayBounds): Asked<RefusalQuery> | Refusal {
  const checked = checkDays(refusalParameters, url, bounds);
  if (checked instanceof Refusal) return checked;
  const { from, to, group_by: groupBy = [], format, bom, ...narrowed } = checked;
  return { form: { format, bom }, query: { from, to, filters: narrowed, groupBy } };
}

/** The parameters of `/admin/requests`. */
export const entryParameters = z.strictObject({
  ...rangeParameters,
  ...pageParameters,
  outcome: z.enum(outcomes, `must be one of ${outcomes.join(', ')}`).exactOptional(),
  session: z
    .string()
    .regex(/^ses_[0-9A-Za-z]{1,64}$/, 'must be a session id such as ses_…')
    .exactOptional(),
  end_user: endUser.exactOptional(),
  tag: tagFilter.exactOptional(),
  ...formParameters,
  ...filters,
});

export function parseEntryQuery(url: string): Asked<AskedPage<EntryQuery>> | Refusal {
  const checked = checkRange(entryParameters, url);
  if (checked instanceof Refusal) return checked;
  const { limit = null, cursor = null, from: fromMs, to: beforeMs, format, bom, tag, ...narrowed } = checked;
  const admitted = fromMs === undefined && beforeMs === undefined ? {} : { admitted: { fromMs, beforeMs } };
  const tags = tag === undefined ? {} : { tags: tag };
  return { form: { format, bom }, query: { limit, cursor, ...admitted, ...tags, filters: narrowed } };
}

/** Compared exactly: no character has a special meaning. */
const name = label().min(1, 'must not be empty').max(100, 'must be at most 100 characters').exactOptional();

/** The parameters of `/admin/audit`. */
export const auditParameters = z.strictObject({
  team: slug.exactOptional(),
  actor: name,
  operation: name,
  ...rangeParameters,
  ...pageParameters,
  ...formParameters,
});

export function parseAuditQuery(url: string): Asked<AskedPage<AuditQuery>> | Refusal {
  const checked = checkRange(auditParameters, url);
  if (checked instanceof Refusal) return checked;
  const { limit = null, cursor = null, from: fromMs, to: beforeMs, format, bom, ...narrowed } = checked;
  return { form: { format, bom }, query: { limit, cursor, fromMs, beforeMs, ...narrowed } };
}
