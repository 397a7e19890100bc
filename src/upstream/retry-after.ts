import type { IncomingHttpHeaders } from 'node:http';
import { httpDateMs } from '../base/http-date.ts';
import { headerValue } from './upstream-headers.ts';

/** Other names for the moment when there is quota again, besides `x-ratelimit-reset-requests` and `-tokens`. */
const resetNames = [
  'x-ratelimit-reset',
  'ratelimit-reset',
  'anthropic-ratelimit-requests-reset',
  'anthropic-ratelimit-tokens-reset',
  'anthropic-ratelimit-input-tokens-reset',
  'anthropic-ratelimit-output-tokens-reset',
];
/** Fewer seconds are a duration, not a moment. */
const firstEpochSeconds = 1_000_000_000;
const firstEpochMs = firstEpochSeconds * 1_000;

/**
 * How long an answer asks to wait, ms: `retry-after-ms` (Azure, OpenAI), else `Retry-After` in seconds or as a date; null
 * if it does not say. A date counts by the upstream's own clock if it tells it, else by `wallMs`. Pure.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, wallMs: number | null): number | null {
  const exact = secondsIn(headerValue(headers['retry-after-ms']));
  if (exact !== null) return exact;
  const value = headerValue(headers['retry-after']);
  const seconds = secondsIn(value);
  if (seconds !== null) return seconds * 1_000;
  return value === undefined ? null : untilMs(value, headers, wallMs);
}

/** The same from headers that say when there is quota again: the latest of those that say so. Pure. */
export function resetMs(headers: IncomingHttpHeaders, wallMs: number | null): number | null {
  let latest: number | null = null;
  for (const name of resetNames) {
    const value = headerValue(headers[name]);
    if (value === undefined) continue;
    const number = secondsIn(value);
    const ms =
      number !== null && number < firstEpochSeconds ? number * 1_000 : untilMs(value, headers, wallMs);
    if (ms !== null) latest = Math.max(ms, latest ?? 0);
  }
  return latest;
}

/** The time until a moment, ms, at least 0: an HTTP date, RFC 3339, or seconds or ms since the epoch. Null if it is none. */
export function untilMs(value: string, headers: IncomingHttpHeaders, wallMs: number | null): number | null {
  const said = headerValue(headers.date);
  const nowMs = (said === undefined ? null : httpDateMs(said, wallMs ?? 0)) ?? wallMs;
  if (nowMs === null) return null;
  const atMs = momentMs(value.trim(), nowMs);
  return atMs === null ? null : Math.max(0, atMs - nowMs);
}

function momentMs(value: string, nowMs: number): number | null {
  const number = secondsIn(value, 17);
  if (number !== null) {
    if (number >= firstEpochMs) return number;
    return number >= firstEpochSeconds ? number * 1_000 : null;
  }
  if (/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/i.test(value)) {
    const ms = Date.parse(value);
    return Number.isNaN(ms) ? null : ms;
  }
  return httpDateMs(value, nowMs);
}

function secondsIn(value: string | undefined, maxDigits = 10): number | null {
  const text = value?.trim() ?? '';
  return text.length <= maxDigits + 8 && new RegExp(`^\\d{1,${maxDigits}}(?:\\.\\d{1,6})?$`).test(text)
    ? Number(text)
    : null;
}
