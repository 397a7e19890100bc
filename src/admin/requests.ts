import { z } from 'zod';
import type { EntryQuery, Outcome } from '../core/entry.ts';
import { check, type Checked } from '../core/check.ts';
import { endUser } from '../core/fields.ts';
import { filters } from './filters.ts';

const maxLimit = 1_000;
const outcomes = ['ok', 'error', 'aborted', 'lost'] as const satisfies readonly Outcome[];

const entryParameters = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `must be a whole number from 1 to ${maxLimit}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= maxLimit, `must be a whole number from 1 to ${maxLimit}`)
    .default(50),
  cursor: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'must be the next_cursor of an earlier answer')
    .exactOptional(),
  outcome: z.enum(outcomes, `must be one of ${outcomes.join(', ')}`).exactOptional(),
  session: z
    .string()
    .regex(/^ses_[0-9A-Za-z]{1,64}$/, 'must be a session id such as ses_…')
    .exactOptional(),
  end_user: endUser.exactOptional(),
  ...filters,
});

/** Reads the query of `/admin/requests`. */
export function parseEntryQuery(query: Record<string, string>): Checked<EntryQuery> {
  const checked = check(entryParameters, query, 'invalid_request');
  if (!checked.ok) return checked;
  const { limit, cursor = null, ...narrowed } = checked.value;
  return { ok: true, value: { limit, cursor, filters: narrowed } };
}
