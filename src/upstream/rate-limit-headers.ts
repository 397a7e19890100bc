import type { IncomingHttpHeaders } from 'node:http';
import type { RateLimitSnapshot, Left } from './rate-limit-snapshot.ts';

const longestResetMs = 86_400_000;
/** Where nothing says when there will be room again. */
const unsaidGapMs = 1_000;

/** What an answer says of its key's limits, `x-ratelimit-*`; null where it says nothing that makes sense. Pure. */
export function readingIn(headers: IncomingHttpHeaders, nowMs: number): RateLimitSnapshot | null {
  const requests = leftOf(nowMs, {
    limit: headers['x-ratelimit-limit-requests'],
    remaining: headers['x-ratelimit-remaining-requests'],
    reset: headers['x-ratelimit-reset-requests'],
  });
  const tokens = leftOf(nowMs, {
    limit: headers['x-ratelimit-limit-tokens'],
    remaining: headers['x-ratelimit-remaining-tokens'],
    reset: headers['x-ratelimit-reset-tokens'],
  });
  return requests || tokens ? { atMs: nowMs, blockedUntilMs: 0, requests, tokens } : null;
}

/** How long it lasts that something is used up; null where nothing is. Pure. */
export function usedUpForMs(reading: RateLimitSnapshot | null, nowMs: number): number | null {
  const used = [reading?.requests, reading?.tokens].filter((left) => left?.remaining === 0);
  return used.length === 0 ? null : Math.max(...used.map((left) => (left?.resetAtMs ?? nowMs) - nowMs));
}

type HeaderValue = string | string[] | undefined;

function leftOf(
  nowMs: number,
  said: { limit: HeaderValue; remaining: HeaderValue; reset: HeaderValue },
): Left | null {
  const remaining = wholeNumber(said.remaining);
  if (remaining === null) return null;
  const resetInMs = durationMs(said.reset) ?? unsaidGapMs;
  return { remaining, limit: wholeNumber(said.limit) ?? Infinity, resetAtMs: nowMs + resetInMs };
}

const largest = 1e15;

/** Numbers, not patterns: this is read of every answer. */
function wholeNumber(value: HeaderValue): number | null {
  if (typeof value !== 'string' || value === '') return null;
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 && number < largest ? number : null;
}

const unitsMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
/** Answers that come close together say the same. */
let last: { text: string; ms: number | null } = { text: '', ms: null };

/** `6m0s`, `1.5s`, `20ms`, or seconds; null for anything else, and for what is too long to be a window. */
export function durationMs(value: HeaderValue): number | null {
  if (typeof value !== 'string' || value.length > 40) return null;
  if (value !== last.text) last = { text: value, ms: parsedMs(value) };
  return last.ms;
}

function parsedMs(text: string): number | null {
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1_000 : sumOfParts(text);
  return ms !== null && ms <= longestResetMs ? Math.ceil(ms) : null;
}

function sumOfParts(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(text)) return null;
  let ms = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    ms += Number(amount) * (unitsMs[unit] ?? 0);
  }
  return ms;
}
