/**
 * The rest of an attachment that fails: it is asked last for a while, then one request finds out whether it works
 * again. Pure: time and chance are arguments.
 */
export interface Rest {
  /** Failures in a row; 0: it works. */
  readonly failures: number;
  /** Until then it is asked last. */
  readonly untilMs: number;
}

export const working: Rest = { failures: 0, untilMs: 0 };

const firstMs = 1_000;
const longestMs = 60_000;
/** How long a request that finds out is waited for before another one may. */
const probeMs = 30_000;

export function isResting(rest: Rest, nowMs: number): boolean {
  return rest.failures > 0 && nowMs < rest.untilMs;
}

/** One request finds out; meanwhile the others go on as if it rested. */
export function probed({ failures }: Rest, nowMs: number): Rest {
  return { failures, untilMs: nowMs + probeMs };
}

/**
 * After a failure: 1 s, doubling to 60 s, half of it by chance (`random` from 0 to 1), and no less than the upstream
 * asks for. What was under way when a rest began does not prolong it.
 */
export function rested(
  rest: Rest,
  failure: { nowMs: number; probe: boolean; retryAfterMs: number; random: number },
): Rest {
  const { nowMs, probe, retryAfterMs, random } = failure;
  if (isResting(rest, nowMs) && !probe) return rest;
  const failures = rest.failures + 1;
  const wholeMs = Math.min(longestMs, firstMs * 2 ** (failures - 1));
  return { failures, untilMs: nowMs + Math.max(wholeMs * (1 - random / 2), retryAfterMs) };
}
