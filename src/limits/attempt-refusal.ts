import type { AttemptBound } from '../base/limit.ts';
import { Refusal, retryAfter, secondsUntil } from '../base/refusal.ts';

/**
 * The refusal of a request because too many others of its token or session were refunded, or sent again (`AttemptBound`). Hidden: a page's
 * visitor is not told of the token's.
 */
export function attemptRefusal(
  { scope, max }: AttemptBound,
  { fitsMs, nowMs, isHidden }: { fitsMs: number; nowMs: number; isHidden: boolean },
): Refusal {
  const afterS = secondsUntil(fitsMs, nowMs);
  const countedLimit = { scope, limit: 'attempts/minute' };
  if (isHidden) {
    const message = `This request does not fit a limit this session shares with others. Try again in ${afterS} s.`;
    return new Refusal('rate_limit_exceeded', message, { countedLimit, headers: retryAfter(afterS) });
  }
  const what = `${max} attempts a minute, with requests that the upstream refused and that were refunded, and answers that were sent again`;
  return new Refusal(
    'rate_limit_exceeded',
    `This request does not fit the ${scope}'s limit of ${what}. Try again in ${afterS} s.`,
    {
      countedLimit,
      limit: {
        scope,
        metric: 'attempts',
        window: 'minute',
        max,
        resets_at: new Date(nowMs + afterS * 1_000).toISOString(),
      },
      headers: retryAfter(afterS),
    },
  );
}
