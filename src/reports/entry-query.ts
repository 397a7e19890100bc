import { z } from 'zod';
import type { EntryQuery } from '../ledger/entry.ts';
import { check, type Checked } from '../base/check.ts';
import { endUser } from '../base/fields.ts';
import { outcomes } from '../ledger/ledger-response.ts';
import { wrongRange } from './day-range.ts';
import { filters } from './filters.ts';
import { pageParameters } from './page-parameters.ts';
import { type Asked, formatParameter } from './formats.ts';

/** The parameters of `/admin/requests`. */
export const entryParameters = z.strictObject({
  ...pageParameters,
  outcome: z.enum(outcomes, `must be one of ${outcomes.join(', ')}`).exactOptional(),
  session: z
    .string()
    .regex(/^ses_[0-9A-Za-z]{1,64}$/, 'must be a session id such as ses_…')
    .exactOptional(),
  end_user: endUser.exactOptional(),
  format: formatParameter,
  ...filters,
});

/** What of the ledger is asked for; `limit` null where it was left out. */
export type AskedEntries = Omit<EntryQuery, 'limit'> & { limit: number | null };

/** Reads the query of `/admin/requests`. */
export function parseEntryQuery(query: Record<string, string>): Checked<Asked<AskedEntries>> {
  const checked = check(entryParameters, query, 'invalid_request');
  if (!checked.ok) return checked;
  const { limit = null, cursor = null, from: fromMs, to: beforeMs, format, ...narrowed } = checked.value;
  if (fromMs !== undefined && beforeMs !== undefined && fromMs >= beforeMs)
    return wrongRange('from must be earlier than to.');
  const admitted = fromMs === undefined && beforeMs === undefined ? {} : { admitted: { fromMs, beforeMs } };
  return { ok: true, value: { format, query: { limit, cursor, ...admitted, filters: narrowed } } };
}
