import type { LimitWindow, RateLimitSnapshot } from './rate-limit-snapshot.ts';

/** A reading as the store keeps it, less its time: whole numbers, `-` where nothing is known. */
export function encodeReading({ blockedUntilMs, requests, tokens }: RateLimitSnapshot): string {
  return [Math.ceil(blockedUntilMs), encodeLeft(requests), encodeLeft(tokens)].join(' ');
}

function encodeLeft(left: LimitWindow | null): string {
  if (left === null) return '- - -';
  const limit = left.limit === Infinity ? '-' : left.limit;
  return `${left.remaining} ${limit} ${Math.ceil(left.resetAtMs)}`;
}

/** The reading back from its text, its time first; null where it is none. */
export function decodeReading(text: string): RateLimitSnapshot | null {
  const [atMs, blockedUntilMs, ...rest] = text
    .split(' ')
    .map((field) => (field === '-' ? null : Number(field)));
  if (!atMs || rest.length < 6) return null;
  return {
    atMs,
    blockedUntilMs: blockedUntilMs ?? 0,
    requests: leftOf(rest.slice(0, 3)),
    tokens: leftOf(rest.slice(3, 6)),
  };
}

function leftOf([remaining = null, limit = null, resetAtMs = null]: (number | null)[]): LimitWindow | null {
  if (remaining === null || resetAtMs === null) return null;
  return { remaining, limit: limit ?? Infinity, resetAtMs };
}

/** A reading with its times on another clock that is ahead by so much. */
export function shifted(reading: RateLimitSnapshot, byMs: number): RateLimitSnapshot {
  const moved = (left: LimitWindow | null): LimitWindow | null =>
    left && { ...left, resetAtMs: left.resetAtMs + byMs };
  return {
    atMs: reading.atMs + byMs,
    blockedUntilMs: reading.blockedUntilMs + byMs,
    requests: moved(reading.requests),
    tokens: moved(reading.tokens),
  };
}
