import { InvalidArgumentError, Option } from 'commander';
import { countedMetrics, windows, type Limit } from '../base/limit.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';

/** `tokens/day=100000`, `cost_usd/month=12.50`, `concurrency=5`; `@model,/v1/path` restricts it to those. */
export function parseLimit(text: string): Limit {
  const [, what = '', asked, digits = '', names] =
    /^([a-z_]+)(?:\/([a-z]+))?=(\d+(?:\.\d+)?)(?:@(.+))?$/.exec(text) ?? [];
  const max = Number(digits);
  const isWhole = Number.isSafeInteger(max);
  if (digits === '' || (!isWhole && what !== 'cost_usd')) throw wrongLimit();
  const covered = coverage(names?.split(',') ?? []);
  if (what === 'concurrency' && asked === undefined) return { metric: what, max, ...covered };

  const window = windows.find((known) => known === asked);
  const metric = countedMetrics.find((known) => known === what);
  if (window === undefined || metric === undefined) throw wrongLimit();
  return { metric, window, max, ...covered };
}

/** Names that begin with a slash are paths; the others are models. */
function coverage(names: readonly string[]): Pick<Limit, 'models' | 'endpoints'> {
  const endpoints = names.filter((name) => name.startsWith('/'));
  const models = names.filter((name) => !name.startsWith('/'));
  return {
    ...(models.length > 0 ? { models } : {}),
    ...(endpoints.length > 0 ? { endpoints } : {}),
  };
}

const secondsIn = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/** Reads `90d`, `12h`, a day or an RFC 3339 time, as fields of the API. */
export function parseExpiry(text: string): { expires_in: number } | { expires_at: string } {
  const duration = /^(\d{1,6})([smhdw])$/.exec(text);
  if (duration) {
    const [, count, unit] = duration;
    return { expires_in: Number(count) * secondsIn[unit as keyof typeof secondsIn] }; // one of [smhdw]
  }
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return { expires_at: `${text}T00:00:00Z` };
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) return { expires_at: text };
  throw new InvalidArgumentError('Write 90d (s, m, h, d, w), 2027-01-31, or an RFC 3339 time.');
}

/** Reads `7d`, `12h` or `0`. Gives seconds. */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (text === '0') return 0;
  if (count === undefined) throw new InvalidArgumentError('Write 7d, 12h, 30m (s, m, h, d, w), or 0.');
  return Number(count) * secondsIn[unit as keyof typeof secondsIn]; // one of [smhdw]
}

/** A whole number; the API checks its range. */
export function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number.');
}

/** An option that may be given several times, each value read by `parse`. */
export function repeatable(
  flags: string,
  description: string,
  parse: (text: string) => unknown = (text) => text,
): Option {
  return new Option(flags, `${description} (may be repeated)`).argParser<unknown[]>((text, before) => [
    ...(Array.isArray(before) ? before : []),
    parse(text),
  ]);
}

export const limitOption = repeatable(
  '--limit <limit>',
  'such as tokens/day=100000, cost_usd/month=50, concurrency=5; add @model,/v1/path to limit only those',
  parseLimit,
);

/** `--clear` of a `set` command: sends null for the fields named. */
export function clearOption(fields: readonly string[]): Option {
  return fieldOption('--clear <field>', 'clear', fields);
}

/** `--empty`: an empty list, which allows nothing; an empty list of limits means none, not even the defaults. */
export function emptyOption(lists: readonly string[]): Option {
  return fieldOption(
    '--empty <list>',
    'set to an empty list, which allows nothing (limits: no limits):',
    lists,
  );
}

function fieldOption(flags: string, what: string, fields: readonly string[]): Option {
  return repeatable(flags, `${what} ${fields.join(', ')}`, (text) => {
    if (fields.includes(text)) return text;
    throw new InvalidArgumentError(`Write one of ${fields.join(', ')}.`);
  });
}

/** The field options of all commands. Each command has some of them. */
export interface FieldOptions {
  name?: string;
  email?: string;
  issuer?: string;
  subject?: string;
  limit?: Limit[];
  model?: string[];
  endpoint?: string[];
  origin?: string[];
  tool?: string[];
  expires?: ReturnType<typeof parseExpiry>;
  maxSessionBody?: number;
  clear?: string[];
  empty?: string[];
}

/** The request body for the options of a command, with only the fields that were given. */
export function bodyOf(options: FieldOptions): object {
  const { name, email, limit, model, endpoint, origin, tool, expires, clear = [], empty = [] } = options;
  const { issuer, subject: sub, maxSessionBody } = options;
  const fields = {
    name,
    email,
    limits: limit,
    models: model,
    endpoints: endpoint,
    origins: origin,
    tools: tool,
    max_session_body_bytes: maxSessionBody,
    subject: issuer === undefined && sub === undefined ? undefined : { issuer, sub },
    ...expires,
  };
  return {
    ...Object.fromEntries(clear.map((field) => [field, null])),
    ...Object.fromEntries(empty.map((list) => [list, []])),
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
  };
}

/** A path of the admin API, its parts escaped. Throws `CommandFailed` if a part would change the path. */
export function adminPath(...parts: readonly string[]): string {
  if (parts.some((part) => /^\.{0,2}$/.test(part))) {
    throw new CommandFailed(
      'An argument is empty, "." or "..". Is a shell variable not set?',
      exitCodes.misused,
    );
  }
  return ['/admin', ...parts.map(encodeURIComponent)].join('/');
}

function wrongLimit(): InvalidArgumentError {
  return new InvalidArgumentError(
    `Write metric/window=max with ${countedMetrics.join(', ')} and ${windows.join(', ')}, or concurrency=max.`,
  );
}
