import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { usageGroups, type UsageQuery } from '../core/entry.ts';
import { invalidBody } from '../core/refusal.ts';
import { filters } from './filters.ts';
import { check, type Checked } from '../core/check.ts';

const maxDays = 400;
const dayMs = 86_400_000;

const day = z.string().transform((text, context) => {
  const date = utcDay(text);
  if (date !== null) return date;
  context.addIssue({ code: 'custom', message: 'must be a UTC day such as 2026-01-31' });
  return z.NEVER;
});

const groupBy = z.string().transform((text, context) => {
  const names = [...new Set(text.split(','))];
  const groups = usageGroups.filter((group) => names.includes(group));
  if (groups.length === names.length) return groups;
  context.addIssue({ code: 'custom', message: `must be a list of ${usageGroups.join(', ')}` });
  return z.NEVER;
});

const usageParameters = z.strictObject({
  from: day.exactOptional(),
  to: day.exactOptional(),
  group_by: groupBy.exactOptional(),
  ...filters,
});

/** Reads the query of `/admin/usage`: whole UTC days, today where nothing is said. */
export function parseUsageQuery(query: Record<string, string>, clock: Clock): Checked<UsageQuery> {
  const checked = check(usageParameters, query, 'invalid_request');
  if (!checked.ok) return checked;
  const { from: askedFrom, to: askedTo, group_by: groups = [], ...narrowed } = checked.value;
  const today = new Date(clock.now()).toISOString().slice(0, 10);
  const to = askedTo ?? (askedFrom !== undefined && askedFrom > today ? askedFrom : today);
  const from = askedFrom ?? to;

  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days < 1) return wrongRange('from must not be later than to.');
  if (days > maxDays) return wrongRange(`from and to must span at most ${maxDays} days.`);
  return { ok: true, value: { from, to, filters: narrowed, groupBy: groups } };
}

/** `YYYY-MM-DD`, also of an RFC 3339 time that is the beginning of a UTC day; else null. */
function utcDay(text: string): string | null {
  if (z.iso.date().safeParse(text).success) return text;
  if (!z.iso.datetime({ offset: true }).safeParse(text).success) return null;
  const atMs = Date.parse(text);
  return atMs % dayMs === 0 ? new Date(atMs).toISOString().slice(0, 10) : null;
}

function wrongRange(message: string): Checked<never> {
  return { ok: false, refusal: invalidBody([{ param: 'from', message }], 'invalid_request') };
}
