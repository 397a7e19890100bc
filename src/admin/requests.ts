import { z } from 'zod';
import type { EntryQuery, Outcome } from '../core/entry.ts';
import { check, type Checked } from '../core/check.ts';
import { dayMs } from '../core/days.ts';
import { endUser } from '../core/fields.ts';
import { wrongRange } from './day-range.ts';
import { filters } from './filters.ts';
import { type Asked, formatParameter } from './formats.ts';

const maxLimit = 1_000;
const outcomes = ['ok', 'error', 'aborted', 'lost'] as const satisfies readonly Outcome[];

/** The moment (ms) a range begins or ends at; a day is in it as a whole. */
function moment(edge: 'from' | 'to') {
  return z.string().transform((text, context) => {
    const isDay = z.iso.date().safeParse(text).success;
    if (isDay) return Date.parse(text) + (edge === 'to' ? dayMs : 0);
    if (z.iso.datetime({ offset: true }).safeParse(text).success) return Date.parse(text);
    const message = 'must be a UTC day such as 2026-01-31, or an RFC 3339 time such as 2026-01-31T12:00:00Z';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

const entryParameters = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `must be a whole number from 1 to ${maxLimit}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= maxLimit, `must be a whole number from 1 to ${maxLimit}`)
    .exactOptional(),
  cursor: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'must be the next_cursor of an earlier answer')
    .exactOptional(),
  from: moment('from').exactOptional(),
  to: moment('to').exactOptional(),
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
