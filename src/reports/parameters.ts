import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { dayMs, dayOf } from '../base/days.ts';
import { model, named, slug } from '../base/fields.ts';
import { checkQuery } from '../base/query.ts';
import { invalidBody, type Problem, Refusal } from '../base/refusal.ts';
import { maxTags, parseTagList, tagKey } from '../base/tags.ts';
import { unacceptedModel } from '../ledger/entry.ts';
import { type UsageGroup, usageGroups } from '../ledger/totals.ts';

/** Sums grouped by day are read a day at a time. */
const maxGroupedDays = 400;
const maxLimit = 1_000;

/**
 * The range of a report. It means the same in all of them: from a moment on, and before another one. A UTC day is
 * included as a whole.
 */
export const rangeParameters = {
  from: moment(
    'from',
    'The beginning: a UTC day such as 2026-01-31, or an RFC 3339 time such as 2026-01-31T12:00:00Z, which is included.',
  ).exactOptional(),
  to: moment(
    'to',
    'The end: a UTC day, which is included as a whole, or an RFC 3339 time, which is not included.',
  ).exactOptional(),
};

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

/** Tags that a request must have: as the header x-tollgate-tags has them. */
export const tagFilter = z
  .string()
  .transform((list, context) => {
    const asked = parseTagList(list);
    if (typeof asked !== 'string') return asked;
    context.addIssue({ code: 'custom', message: asked });
    return z.NEVER;
  })
  .meta({
    description: 'Tags that a request must have, such as project=x; several with commas between them.',
  });

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

/**
 * The parameter `group_by`: a list of these, returned in their order here. A user or a token brings its team, since a
 * user's id is unique inside its team only.
 */
export function groupList<T extends string>(groups: readonly T[]): z.ZodType<T[], string> {
  const expected = `a list of ${groups.join(', ')}`;
  const said = `It is ${expected}.`;
  const bringsTeam = groups.some((group) => group === 'team');
  return z
    .string()
    .transform((text, context) => {
      const names = new Set(text.split(','));
      const isKnown = [...names].every((name) => groups.some((group) => group === name));
      if (isKnown && (names.has('user') || names.has('token'))) names.add('team');
      if (isKnown) return groups.filter((group) => names.has(group));
      context.addIssue({ code: 'custom', message: `must be ${expected}` });
      return z.NEVER;
    })
    .meta({ description: bringsTeam ? `${said} user and token bring team.` : said });
}

const groupsExpected = `a list of ${usageGroups.join(', ')}, and tag:key for any key of a tag`;

/** The same of usage: also by any tags, which come last. */
export const usageGroupList: z.ZodType<UsageGroup[], string> = z
  .string()
  .transform((text, context) => {
    const names = new Set(text.split(','));
    const tags = [...names].filter(isTagGroup);
    const known = usageGroups.filter((group) => names.has(group));
    if (known.length + tags.length < names.size || tags.length > maxTags) {
      context.addIssue({ code: 'custom', message: `must be ${groupsExpected}` });
      return z.NEVER;
    }
    const bringsTeam = known.some((group) => group === 'user' || group === 'token' || group === 'end_user');
    return [...usageGroups.filter((group) => names.has(group) || (group === 'team' && bringsTeam)), ...tags];
  })
  .meta({ description: `It is ${groupsExpected}. user, token and end_user bring team.` });

function isTagGroup(name: string): name is `tag:${string}` {
  return name.startsWith('tag:') && tagKey.safeParse(name.slice('tag:'.length)).success;
}

/** What bounds a range of days; `maxDays` is of the ledger that is asked. */
export interface DayBounds {
  clock: Clock;
  maxDays: number;
}

/**
 * A query for sums of whole UTC days; both are included. If only one end is given, the range is open at the other: it
 * begins as early as may be, and ends today. The default is today.
 */
export function checkDays<T extends Range & { group_by?: readonly string[] }>(
  schema: z.ZodObject & z.ZodType<T>,
  url: string,
  { clock, maxDays }: DayBounds,
): (Omit<T, 'from' | 'to'> & { from: string; to: string }) | Refusal {
  const checked = checkRange(schema, url);
  if (checked instanceof Refusal) return checked;
  const { from: fromMs, to: beforeMs, ...rest } = checked;
  const parts = [
    fromMs === undefined ? [] : partOfDay('from', fromMs),
    beforeMs === undefined ? [] : partOfDay('to', beforeMs),
  ];
  const problems = parts.flat();
  if (problems.length > 0) return invalidBody(problems, 'invalid_request');

  const today = startOfDay(clock.now());
  const last = beforeMs === undefined ? Math.max(today, fromMs ?? today) : beforeMs - dayMs;
  const isByDay = checked.group_by?.includes('day') ?? false;
  const most = isByDay ? Math.min(maxDays, maxGroupedDays) : maxDays;
  const first = fromMs ?? (beforeMs === undefined ? today : last - (most - 1) * dayMs);
  if ((last - first) / dayMs >= most) {
    const condition = most < maxDays ? ' if they are grouped by day' : '';
    return wrongRange(`from and to must span at most ${most} days${condition}.`);
  }
  return { ...rest, from: dayOf(first), to: dayOf(last) };
}

/** A query with a range of moments (ms), which may be open at either end. */
export function checkRange<T extends Range>(schema: z.ZodObject & z.ZodType<T>, url: string): T | Refusal {
  const checked = checkQuery<T>(schema, url);
  if (checked instanceof Refusal) return checked;
  const { from = -Infinity, to = Infinity } = checked;
  return from < to ? checked : wrongRange('from must be earlier than to.');
}

interface Range {
  from?: number;
  to?: number;
}

function wrongRange(message: string): Refusal {
  return invalidBody([{ param: 'from', message }], 'invalid_request');
}

function partOfDay(param: 'from' | 'to', atMs: number): Problem[] {
  if (atMs % dayMs === 0) return [];
  const message = `${param} must be a UTC day such as 2026-01-31, or the time at which one begins: these sums are of whole days.`;
  return [{ param, message }];
}

function startOfDay(atMs: number): number {
  return atMs - (atMs % dayMs);
}

/** So that every day of a range has a year of four digits. */
const earliestMs = Date.parse('1000-01-01');
const latestMs = Date.parse('9999-12-31');

/** The moment (ms) at which a range begins or ends. */
export function moment(edge: 'from' | 'to', description: string) {
  return z
    .string()
    .transform((text, context) => {
      const isDay = z.iso.date().safeParse(text).success;
      const isTime = z.iso.datetime({ offset: true }).safeParse(text).success;
      const atMs = isDay || isTime ? Date.parse(text) : Number.NaN;
      if (atMs >= earliestMs && atMs <= latestMs) return isDay && edge === 'to' ? atMs + dayMs : atMs;
      context.addIssue({
        code: 'custom',
        message: 'must be a UTC day such as 2026-01-31, or an RFC 3339 time such as 2026-01-31T12:00:00Z',
      });
      return z.NEVER;
    })
    .meta({ description });
}
