import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { headerValue } from '../base/header-value.ts';
import { firstEpochSeconds, secondsIn, untilMs } from '../base/retry-after.ts';
import type { LimitWindow, RateLimitSnapshot } from './told-quota.ts';

const longestResetMs = 86_400_000;
/** If an answer does not say when there is quota again. */
const defaultResetMs = 1_000;

/** Other names for the moment when there is quota again, besides `x-ratelimit-reset-requests` and `-tokens`. */
const resetNames = [
  'x-ratelimit-reset',
  'ratelimit-reset',
  'anthropic-ratelimit-requests-reset',
  'anthropic-ratelimit-tokens-reset',
  'anthropic-ratelimit-input-tokens-reset',
  'anthropic-ratelimit-output-tokens-reset',
];

const requestHeaders = headersOf('requests');
const tokenHeaders = headersOf('tokens');

/** What an answer says of its key's limits, `x-ratelimit-*`; null if it says nothing that makes sense. Pure. */
export function snapshotIn(
  headers: IncomingHttpHeaders,
  nowMs: number,
  wall: Pick<Clock, 'now'>,
): RateLimitSnapshot | null {
  const requests = windowIn(headers, requestHeaders, nowMs, wall);
  const tokens = windowIn(headers, tokenHeaders, nowMs, wall);
  return requests || tokens ? { atMs: nowMs, blockedUntilMs: 0, requests, tokens } : null;
}

/** How long a limit stays used up, ms; null if none is. Pure. */
export function exhaustedForMs(snapshot: RateLimitSnapshot | null, nowMs: number): number | null {
  const used = [snapshot?.requests, snapshot?.tokens].filter((left) => left?.remaining === 0);
  return used.length === 0 ? null : Math.max(...used.map((left) => (left?.resetAtMs ?? nowMs) - nowMs));
}

/** How long until there is quota again, ms, by headers that say when: the latest of them. Null if none does. Pure. */
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

function headersOf(unit: string): Record<'limit' | 'remaining' | 'reset', string> {
  const name = (what: string): string => `x-ratelimit-${what}-${unit}`;
  return { limit: name('limit'), remaining: name('remaining'), reset: name('reset') };
}

type HeaderValue = string | string[] | undefined;

function windowIn(
  headers: IncomingHttpHeaders,
  { limit, remaining, reset }: typeof requestHeaders,
  nowMs: number,
  wall: Pick<Clock, 'now'>,
): LimitWindow | null {
  const left = wholeNumber(headers[remaining]);
  if (left === null) return null;
  const resetInMs = durationMs(headers[reset]) ?? momentInMs(headers, reset, wall) ?? defaultResetMs;
  return { remaining: left, limit: wholeNumber(headers[limit]) ?? Infinity, resetAtMs: nowMs + resetInMs };
}

/** Some upstreams say when, not in how long. */
function momentInMs(headers: IncomingHttpHeaders, reset: string, wall: Pick<Clock, 'now'>): number | null {
  const value = headers[reset];
  const ms = typeof value === 'string' ? untilMs(value, headers, wall.now()) : null;
  return ms !== null && ms <= longestResetMs ? ms : null;
}

const largest = 1e15;

/** Without a pattern, since every answer has such figures. */
function wholeNumber(value: HeaderValue): number | null {
  if (typeof value !== 'string' || value === '') return null;
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 && number < largest ? number : null;
}

const unitsMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
/** Consecutive answers often say the same. */
let last: { text: string; ms: number | null } = { text: '', ms: null };

/** `6m0s`, `1.5s`, `20ms` or seconds, as ms; null for anything else, and if it is too long to be a window. */
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
