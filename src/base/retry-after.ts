import type { IncomingHttpHeaders } from 'node:http';
import { headerValue } from './header-value.ts';
import { httpDateMs } from './http-date.ts';

/** Fewer seconds are a duration, not a moment. */
export const firstEpochSeconds = 1_000_000_000;
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

/** A plain number of seconds, with a fraction or without; null if it is none. Pure. */
export function secondsIn(value: string | undefined, maxDigits = 10): number | null {
  const text = value?.trim() ?? '';
  return text.length <= maxDigits + 8 && new RegExp(`^\\d{1,${maxDigits}}(?:\\.\\d{1,6})?$`).test(text)
    ? Number(text)
    : null;
}
