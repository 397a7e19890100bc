import { z } from 'zod';
import { check, type Checked } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import { dayMs, dayOf } from '../base/days.ts';
import { invalidBody } from '../base/refusal.ts';

const maxDays = 400;

const day = z
  .string()
  .transform((text, context) => {
    const date = utcDay(text);
    if (date !== null) return date;
    context.addIssue({ code: 'custom', message: 'must be a UTC day such as 2026-01-31' });
    return z.NEVER;
  })
  .meta({ description: 'A UTC day such as 2026-01-31; both are included.' });

/** The parameters of a range of days. */
export const dayParameters = { from: day.exactOptional(), to: day.exactOptional() };

/** The parameter `group_by`: a list of these, given back in their order here. */
export function groupList<T extends string>(groups: readonly T[]): z.ZodType<T[], string> {
  const expected = `a list of ${groups.join(', ')}`;
  return z
    .string()
    .transform((text, context) => {
      const names = [...new Set(text.split(','))];
      const known = groups.filter((group) => names.includes(group));
      if (known.length === names.length) return known;
      context.addIssue({ code: 'custom', message: `must be ${expected}` });
      return z.NEVER;
    })
    .meta({ description: `It is ${expected}.` });
}

/** A query with a range of days, its `from` and `to` filled in: today where nothing is said. */
export function checkDays<T extends { from?: string; to?: string }>(
  schema: z.ZodType<T>,
  query: Record<string, string>,
  clock: Clock,
): Checked<T & { from: string; to: string }> {
  const checked = check(schema, query, 'invalid_request');
  if (!checked.ok) return checked;
  const { from: askedFrom, to: askedTo } = checked.value;
  const today = dayOf(clock.now());
  const to = askedTo ?? (askedFrom !== undefined && askedFrom > today ? askedFrom : today);
  const from = askedFrom ?? to;

  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days < 1) return wrongRange('from must not be later than to.');
  if (days > maxDays) return wrongRange(`from and to must span at most ${maxDays} days.`);
  return { ok: true, value: { ...checked.value, from, to } };
}

/** A refusal of `from`. */
export function wrongRange(message: string): Checked<never> {
  return { ok: false, refusal: invalidBody([{ param: 'from', message }], 'invalid_request') };
}

/** `YYYY-MM-DD`, also of an RFC 3339 time that is the beginning of a UTC day; else null. */
function utcDay(text: string): string | null {
  if (z.iso.date().safeParse(text).success) return text;
  if (!z.iso.datetime({ offset: true }).safeParse(text).success) return null;
  const atMs = Date.parse(text);
  return atMs % dayMs === 0 ? dayOf(atMs) : null;
}
