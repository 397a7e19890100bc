import { InvalidArgumentError, Option } from 'commander';
import { windows, type Limit } from '../core/limit.ts';

const counted = /^(requests|tokens|images)\/([a-z]+)$/;

/** `tokens/day=100000`, `concurrency=5`; with `@model1,model2` for some models only. */
export function parseLimit(text: string): Limit {
  const [, what = '', digits = '', names] = /^([a-z/]+)=(\d+)(?:@(.+))?$/.exec(text) ?? [];
  const max = Number(digits);
  if (digits === '' || !Number.isSafeInteger(max)) throw wrongLimit();
  const models = names === undefined ? {} : { models: names.split(',') };
  if (what === 'concurrency') return { metric: what, max, ...models };

  const [, metric, asked] = counted.exec(what) ?? [];
  const window = windows.find((known) => known === asked);
  if (window === undefined) throw wrongLimit();
  if (metric !== 'requests' && metric !== 'tokens' && metric !== 'images') throw wrongLimit();
  return { metric, window, max, ...models };
}

const secondsIn = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/** `90d`, `12h`, a day, or an RFC 3339 time: as the fields of the API. */
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

/** `7d`, `12h`, `0`: seconds. */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (text === '0') return 0;
  if (count === undefined) throw new InvalidArgumentError('Write 7d, 12h, 30m (s, m, h, d, w), or 0.');
  return Number(count) * secondsIn[unit as keyof typeof secondsIn]; // one of [smhdw]
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
  'such as tokens/day=100000, requests/minute=60, concurrency=5; @model1,model2 behind it for these models only',
  parseLimit,
);

/** `--clear` of a `set` command: sends null for the fields named. */
export function clearOption(fields: readonly string[]): Option {
  return repeatable('--clear <field>', `clear ${fields.join(', ')}`, (text) => {
    if (fields.includes(text)) return text;
    throw new InvalidArgumentError(`It is one of ${fields.join(', ')}.`);
  });
}

/** The field options of all commands; each command has some of them. */
export interface FieldOptions {
  name?: string;
  email?: string;
  limit?: Limit[];
  model?: string[];
  endpoint?: string[];
  origin?: string[];
  tool?: string[];
  expires?: ReturnType<typeof parseExpiry>;
  clear?: string[];
}

/** The body that the options of a command stand for; what was not given is not in it. */
export function bodyOf(options: FieldOptions): object {
  const { name, email, limit, model, endpoint, origin, tool, expires, clear = [] } = options;
  const fields = {
    name,
    email,
    limits: limit,
    models: model,
    endpoints: endpoint,
    origins: origin,
    tools: tool,
    ...expires,
  };
  return {
    ...Object.fromEntries(clear.map((field) => [field, null])),
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
  };
}

/** A path of the admin API, its parts escaped. */
export function adminPath(...parts: readonly string[]): string {
  return ['/admin', ...parts.map(encodeURIComponent)].join('/');
}

function wrongLimit(): InvalidArgumentError {
  return new InvalidArgumentError(
    `Write metric/window=max with requests, tokens or images and ${windows.join(', ')}, or concurrency=max.`,
  );
}
