import { z } from 'zod';
import type { AuditQuery } from '../audit/audit.ts';
import { check, type Checked } from '../base/check.ts';
import { slug } from '../base/fields.ts';
import { wrongRange } from './day-range.ts';
import { type Asked, formatParameter } from './formats.ts';
import { pageParameters } from './page-parameters.ts';

/** Compared as it is: nothing in it stands for anything else. */
const name = z
  .string()
  .min(1, 'must not be empty')
  .max(100, 'must be at most 100 characters')
  .exactOptional();

/** The parameters of `/admin/audit`. */
export const auditParameters = z.strictObject({
  team: slug.exactOptional(),
  actor: name,
  operation: name,
  ...pageParameters,
  format: formatParameter,
});

/** What of the trail is asked for; `limit` null where it was left out. */
export type AskedTrail = Omit<AuditQuery, 'limit'> & { limit: number | null };

/** Reads the query of `/admin/audit`. */
export function parseAuditQuery(query: Record<string, string>): Checked<Asked<AskedTrail>> {
  const checked = check(auditParameters, query, 'invalid_request');
  if (!checked.ok) return checked;
  const { limit = null, cursor = null, from: fromMs, to: beforeMs, format, ...narrowed } = checked.value;
  if (fromMs !== undefined && beforeMs !== undefined && fromMs >= beforeMs)
    return wrongRange('from must be earlier than to.');
  return { ok: true, value: { format, query: { limit, cursor, fromMs, beforeMs, ...narrowed } } };
}
