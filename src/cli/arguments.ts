import { InvalidArgumentError, Option } from 'commander';
import { countedMetrics, windows, type Limit } from '../base/limit.ts';
import { parseTagList, type Tags } from '../base/tags.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';

/**
 * `tokens/day=100000`, `cost_usd/month=12.50`, `concurrency=5`; `:uncached` leaves cache reads out, `:observe` makes it
 * count and refuse nothing, and `@model,/v1/path,project=x` restricts it to those.
 */
export function parseLimit(text: string): Limit {
  const [, what = '', asked, digits = '', uncached, observe, names] =
    /^([a-z_]+)(?:\/([a-z]+))?=(\d+(?:\.\d+)?)(:uncached)?(:observe)?(?:@(.+))?$/.exec(text) ?? [];
  const max = Number(digits);
  const isWhole = Number.isSafeInteger(max);
  if (digits === '' || (!isWhole && what !== 'cost_usd')) throw wrongLimit();
  const covered = {
    ...coverage(names?.split(',') ?? []),
    ...(observe === undefined ? {} : { enforce: false }),
  };
  if (uncached !== undefined && what !== 'tokens') throw wrongLimit();
  if (what === 'concurrency' && asked === undefined) return { metric: what, max, ...covered };

  const window = windows.find((known) => known === asked);
  const metric = countedMetrics.find((known) => known === what);
  if (window === undefined || metric === undefined) throw wrongLimit();
  const counted = { window, max, ...covered };
  return uncached !== undefined && metric === 'tokens'
    ? { metric, ...counted, count_cached: false }
    : { metric, ...counted };
}

/** Names that begin with a slash are paths, and `key=value` is a tag; the others are models. */
function coverage(names: readonly string[]): Pick<Limit, 'models' | 'endpoints' | 'tags'> {
  const endpoints = names.filter((name) => name.startsWith('/'));
  const tagged = names.filter((name) => !name.startsWith('/') && name.includes('='));
  const models = names.filter((name) => !name.startsWith('/') && !name.includes('='));
  return {
    ...(tagged.length > 0 ? { tags: parseTags(tagged.join(',')) } : {}),
    ...(models.length > 0 ? { models } : {}),
    ...(endpoints.length > 0 ? { endpoints } : {}),
  };
}

/** `project=x`, or several with commas between them. */
export function parseTags(list: string): Tags {
  const tags = parseTagList(list);
  if (typeof tags === 'string') throw new InvalidArgumentError(`It ${tags}.`);
  return tags;
}

/** `--tag`, which may be repeated. */
export const tagOption = new Option(
  '--tag <tag>',
  'a tag of all its requests, such as project=x (may be repeated)',
).argParser<Tags | undefined>((text, before) => ({ ...before, ...parseTags(text) }));

const secondsIn: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3_600],
  ['d', 86_400],
  ['w', 604_800],
]);

/** The seconds in `90d` or `12h`; null if it is not a duration. */
export function secondsOf(text: string): number | null {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const each = secondsIn.get(unit);
  return each === undefined ? null : Number(count) * each;
}

/** Reads `90d`, `12h`, a day or an RFC 3339 time, as fields of the API. */
export function parseExpiry(text: string): { expires_in: number } | { expires_at: string } {
  const seconds = secondsOf(text);
  if (seconds !== null) return { expires_in: seconds };
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return { expires_at: `${text}T00:00:00Z` };
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) return { expires_at: text };
  throw new InvalidArgumentError('Write 90d (s, m, h, d, w), 2027-01-31, or an RFC 3339 time.');
}

/** Reads `7d`, `12h` or `0`. Gives seconds. */
export function parseDuration(text: string): number {
  const seconds = text === '0' ? 0 : secondsOf(text);
  if (seconds === null) throw new InvalidArgumentError('Write 7d, 12h, 30m (s, m, h, d, w), or 0.');
  return seconds;
}

/** A whole number; the API checks its range. */
export function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number.');
}

export const yesOption = new Option('--yes', 'do not ask');

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
  'such as tokens/day=100000, cost_usd/month=50, concurrency=5; add @model,/v1/path,project=x to limit only those, and after the number :uncached to leave cache reads out of tokens, :observe to count and refuse nothing',
  parseLimit,
);

export const endUserLimitOption = repeatable(
  '--end-user-limit <limit>',
  'a limit of each end user over all of their sessions',
  parseLimit,
);

/** The options of a list that is read in pages; `sorts` besides `id`. */
export function pageOptions(sorts: readonly string[]): Option[] {
  return [
    new Option('--search <text>', 'only those with this in their id, name or e-mail address'),
    new Option('--sort <field>', 'the latest first with a minus').choices(['id', ...sorts]),
    ...cursorOptions,
  ];
}

export const cursorOptions: readonly Option[] = [
  new Option('--limit <count>', 'at most this many, up to 1000'),
  new Option('--cursor <cursor>', 'continue after the previous page'),
];

export const byCreation = ['created_at', '-created_at'];

export const expiresOption = new Option(
  '--expires <when>',
  '90d, 12h, 2027-01-31 or an RFC 3339 time',
).argParser(parseExpiry);

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

/** What was given on the command line. `bodyOf` sends every option that is not named here as a field. */
export interface GivenOptions {
  yes?: boolean;
  clear?: string[];
  empty?: string[];
  expires?: ReturnType<typeof parseExpiry>;
  issuer?: string;
  subject?: string;
  [option: string]: unknown;
}

/** The fields whose name differs from their option's. */
const fieldNames: ReadonlyMap<string, string> = new Map([
  ['limit', 'limits'],
  ['endUserLimit', 'end_user_limits'],
  ['model', 'models'],
  ['endpoint', 'endpoints'],
  ['origin', 'origins'],
  ['tool', 'tools'],
  ['team', 'teams'],
  ['event', 'events'],
  ['maxSessionBody', 'max_session_body_bytes'],
  ['sessionProof', 'session_proof'],
  ['overlap', 'overlap_seconds'],
  ['dearerFallback', 'dearer_fallback'],
  ['tag', 'tags'],
  ['tagKey', 'tag_keys'],
  ['requestTag', 'request_tags'],
]);

/** The request body for the options of a command, with only the fields that were given. */
export function bodyOf(options: GivenOptions): object {
  const { clear = [], empty = [], expires, issuer, subject: sub, ...given } = options;
  return {
    ...Object.fromEntries(clear.map((field) => [field, null])),
    ...Object.fromEntries(empty.map((list) => [list, []])),
    ...Object.fromEntries(
      Object.entries(given).map(([name, value]) => [fieldNames.get(name) ?? name, value]),
    ),
    ...(issuer === undefined && sub === undefined ? {} : { subject: { issuer, sub } }),
    ...expires,
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

/** A path with the query parameters that were given. */
export function withQuery(path: string, parameters: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'string') query.set(name, value);
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function wrongLimit(): InvalidArgumentError {
  return new InvalidArgumentError(
    `Write metric/window=max with ${countedMetrics.join(', ')} and ${windows.join(', ')}, or concurrency=max. :observe may follow; only tokens take :uncached.`,
  );
}
