import { z } from 'zod';
import { check } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import { dayMs, dayOf } from '../base/days.ts';
import { model, named, slug } from '../base/fields.ts';
import { invalidBody, type Problem, Refusal } from '../base/refusal.ts';
import { unacceptedModel } from '../ledger/entry.ts';

const maxDays = 400;
const maxLimit = 1_000;
const momentExpected = 'a UTC day such as 2026-01-31, or an RFC 3339 time such as 2026-01-31T12:00:00Z';

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

/** The parameters of a list in pages, newest first. */
export const pageParameters = {
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
};

/** Filters of usage, requests and refusals. Plain text: no character has a special meaning. */
export const whoFilters = {
  team: slug.exactOptional(),
  user: slug.exactOptional(),
  token: z
    .string()
    .regex(/^tok_[0-9A-Za-z]{1,64}$/, 'must be a token id such as tok_…')
    .exactOptional(),
};

/** Filters of usage and requests. */
export const filters = {
  ...whoFilters,
  model: z
    .string()
    .refine(
      (text) => text === unacceptedModel || model.safeParse(text).success,
      `must be a model id: 1 to 128 of A-Z, a-z, 0-9 and . _ : / -; or ${unacceptedModel}`,
    )
    .exactOptional(),
  endpoint: named(
    z.string().regex(/^\/[A-Za-z0-9._/-]{1,127}$/, 'must be a path such as /v1/chat/completions'),
  ).exactOptional(),
};

/** The parameter `group_by`: a list of these, returned in their order here. */
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

/** The query of a URL or a path, by a schema. A parameter that is given twice is refused. */
export function checkQuery<T>(schema: z.ZodType<T>, url: string): T | Refusal {
  const query: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const [key, value] of new URL(url, 'http://gateway.invalid').searchParams) {
    if (Object.hasOwn(query, key)) problems.push({ param: key, message: `${key} is given more than once.` });
    query[key] = value;
  }
  if (problems.length > 0) return invalidBody(problems, 'invalid_request');
  return check(schema, query, 'invalid_request');
}

/** A query with a range of days. The default of `from` and `to` is today. */
export function checkDays<T extends { from?: string; to?: string }>(
  schema: z.ZodType<T>,
  url: string,
  clock: Clock,
): (T & { from: string; to: string }) | Refusal {
  const checked = checkQuery(schema, url);
  if (checked instanceof Refusal) return checked;
  const { from: askedFrom, to: askedTo } = checked;
  const today = dayOf(clock.now());
  const to = askedTo ?? (askedFrom !== undefined && askedFrom > today ? askedFrom : today);
  const from = askedFrom ?? to;

  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days < 1) return wrongRange('from must not be later than to.');
  if (days > maxDays) return wrongRange(`from and to must span at most ${maxDays} days.`);
  return { ...checked, from, to };
}

/** A query with a range of moments, which may be open at either end. */
export function checkMoments<T extends { from?: number; to?: number }>(
  schema: z.ZodType<T>,
  url: string,
): T | Refusal {
  const checked = checkQuery(schema, url);
  if (checked instanceof Refusal) return checked;
  const { from = -Infinity, to = Infinity } = checked;
  return from < to ? checked : wrongRange('from must be earlier than to.');
}

function wrongRange(message: string): Refusal {
  return invalidBody([{ param: 'from', message }], 'invalid_request');
}

/** The moment (ms) at which a range begins or ends; a day is included as a whole. */
function moment(edge: 'from' | 'to') {
  return z
    .string()
    .transform((text, context) => {
      const isDay = z.iso.date().safeParse(text).success;
      if (isDay) return Date.parse(text) + (edge === 'to' ? dayMs : 0);
      if (z.iso.datetime({ offset: true }).safeParse(text).success) return Date.parse(text);
      context.addIssue({ code: 'custom', message: `must be ${momentExpected}` });
      return z.NEVER;
    })
    .meta({ description: `It is ${momentExpected}.` });
}

/** `YYYY-MM-DD`, also for an RFC 3339 time that is the beginning of a UTC day; else null. */
function utcDay(text: string): string | null {
  if (z.iso.date().safeParse(text).success) return text;
  if (!z.iso.datetime({ offset: true }).safeParse(text).success) return null;
  const atMs = Date.parse(text);
  return atMs % dayMs === 0 ? dayOf(atMs) : null;
}
