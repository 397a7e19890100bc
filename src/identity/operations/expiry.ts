import type { Clock } from '../../base/clock.ts';

interface AskedExpiry {
  expires_in?: number | null | undefined;
  expires_at?: string | null | undefined;
}

/** When a token is to expire, RFC 3339 UTC; null for never, undefined where nothing was said. */
export function expiryOf(
  { expires_in: seconds, expires_at: at }: AskedExpiry,
  clock: Clock,
): string | null | undefined {
  if (typeof seconds === 'number') return new Date(clock.now() + seconds * 1_000).toISOString();
  if (typeof at === 'string') return new Date(at).toISOString();
  return seconds === null || at === null ? null : undefined;
}
