import { unsafeCharacters } from '../base/fields.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';

/** A value for people: `-` for null, lists joined, limits in the syntax of `--limit`. */
export function plain(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '-';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(plain).join(', ');
  if (isJsonObject(value)) return objectText(value);
  // Data must not move the cursor, break the line or change the text direction.
  return String(value).replaceAll(unsafeCharacters, '?');
}

/** A field that restricts when it is set: says what null means. */
export function allowed(field: string, value: JsonValue | undefined): string {
  return value === null ? (absent[field] ?? '-') : plain(value);
}

/** A time to the minute, UTC. */
export function shortTime(value: JsonValue | undefined): string {
  return typeof value === 'string' ? plain(value.slice(0, 16).replace('T', ' ')) : '-';
}

/** The day of a time, UTC. */
export function day(value: JsonValue | undefined): string {
  return shortTime(value).slice(0, '2026-01-31'.length);
}

const absent: Readonly<Record<string, string>> = {
  models: 'any',
  endpoints: 'any',
  origins: 'as ALLOWED_ORIGINS',
  tools: 'functions only',
  expires_at: 'never',
  teams: 'all',
};

/** A limit, a secret, or any other object inside a record, on one line. */
function objectText(value: JsonObject): string {
  if ('metric' in value) return limitText(value);
  if ('prefix' in value) return secretText(value);
  if ('by' in value && 'until' in value) return raiseText(value);
  return Object.entries(value)
    .map(([key, inner]) => `${key}: ${plain(inner)}`)
    .join('; ');
}

/** A raise of a limit, without the limit: its id tells people nothing. */
function raiseText({ id, by, until }: JsonObject): string {
  return `${plain(id)} by ${plain(by)} until ${shortTime(until)}`;
}

/** A token's secret: when it expires, and when it was last used. */
function secretText({ prefix, expires_at, last_used_at }: JsonObject): string {
  const until = expires_at === null ? '' : ` until ${shortTime(expires_at)}`;
  const used = last_used_at === null ? 'not used' : `used ${shortTime(last_used_at)}`;
  return `${plain(prefix)}…${until} (${used})`;
}

function limitText(limit: JsonObject): string {
  const { metric, window, max, models, endpoints, tags, count_cached, enforce } = limit;
  const what = window === undefined ? plain(metric) : `${plain(metric)}/${plain(window)}`;
  const tagged = isJsonObject(tags ?? null)
    ? Object.entries(tags ?? {}).map(([key, value]) => `${key}=${plain(value)}`)
    : [];
  const covered = [models, endpoints, tagged].flatMap((names) =>
    Array.isArray(names) ? names.map(plain) : [],
  );
  const whose = covered.length > 0 ? `@${covered.join(',')}` : '';
  const uncached = count_cached === false ? ':uncached' : '';
  const observe = enforce === false ? ':observe' : '';
  return `${what}=${plain(max)}${uncached}${observe}${whose}`;
}
