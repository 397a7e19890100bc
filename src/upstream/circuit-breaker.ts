/**
 * A circuit breaker. Closed: the attachment works. Open: it failed, and others are asked first. Half-open: the
 * time is over, and the next request probes whether it works again. Pure: time and chance are arguments.
 */
export interface CircuitBreaker {
  /** Failures in a row; 0 if it is closed. */
  readonly failures: number;
  /** Monotonic, ms. */
  readonly openUntilMs: number;
}

export const closed: CircuitBreaker = { failures: 0, openUntilMs: 0 };

const firstOpenMs = 1_000;
const longestOpenMs = 60_000;
/** If a probe brings no result for so long, another may follow. */
const longestProbeMs = 30_000;

export const circuitStates = ['closed', 'half-open', 'open'] as const;
export type CircuitState = (typeof circuitStates)[number];

export function stateOf({ failures, openUntilMs }: CircuitBreaker, nowMs: number): CircuitState {
  if (failures === 0) return 'closed';
  return nowMs < openUntilMs ? 'open' : 'half-open';
}

/** One request probes; until its result is known it is open to all others. */
export function afterProbeSent(
  { failures }: CircuitBreaker,
  nowMs: number,
  probeMs = longestProbeMs,
): CircuitBreaker {
  return { failures, openUntilMs: nowMs + probeMs };
}

/**
 * Opens for 1 s, doubling to 60 s, up to half of it taken off by chance (`random` from 0 to 1), and never for less than
 * the upstream asks for. Failures of requests that were under way when it opened do not prolong that.
 */
export function afterFailure(
  breaker: CircuitBreaker,
  failure: { nowMs: number; isProbe: boolean; retryAfterMs: number; random: number },
): CircuitBreaker {
  const { nowMs, isProbe, retryAfterMs, random } = failure;
  if (stateOf(breaker, nowMs) === 'open' && !isProbe) return breaker;
  const failures = breaker.failures + 1;
  const wholeMs = Math.min(longestOpenMs, firstOpenMs * 2 ** (failures - 1));
  return { failures, openUntilMs: nowMs + Math.max(wholeMs * (1 - random / 2), retryAfterMs) };
}
