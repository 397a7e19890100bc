import type { Scope } from '../../base/limit.ts';
import type { ScopedLimit } from './identity.ts';
import { type Raised, runningRaises } from './raise.ts';

/** The limits of a record, each with what raises it at `nowMs` or later. */
export function scopedLimits(scope: Scope, record: Raised, nowMs = 0): ScopedLimit[] {
  const running = runningRaises(record, nowMs);
  return record.limits.map((limit): ScopedLimit => {
    const own = running.filter(({ limit: id }) => id === limit.id);
    if (own.length === 0) return { scope, limit };
    return { scope, limit, raises: own.map(({ by, until }) => ({ by, untilMs: Date.parse(until) })) };
  });
}
