import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  afterProbeSent,
  type CircuitBreaker,
  closed,
  stateOf,
} from '../../../src/upstream/circuit-breaker.ts';

const fails = (
  breaker: CircuitBreaker,
  nowMs: number,
  more: Partial<Parameters<typeof afterFailure>[1]> = {},
): CircuitBreaker => afterFailure(breaker, { nowMs, isProbe: false, retryAfterMs: 0, random: 0, ...more });

describe('a circuit breaker', () => {
  it('is closed while nothing fails', () => {
    expect(stateOf(closed, 0)).toBe('closed');
  });

  it('is open for a second, twice as long after each probe in vain, a minute at most', () => {
    let breaker = fails(closed, 0);
    const lengths = [breaker.openUntilMs];
    for (let n = 0; n < 7; n += 1) {
      const nowMs = breaker.openUntilMs;
      breaker = fails(afterProbeSent(breaker, nowMs), nowMs + 10, { isProbe: true });
      lengths.push(breaker.openUntilMs - nowMs - 10);
    }
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('is open for as long as the upstream asks, if that is longer', () => {
    expect(fails(closed, 0, { retryAfterMs: 17_000 }).openUntilMs).toBe(17_000);
    expect(fails(closed, 0, { retryAfterMs: 10 }).openUntilMs).toBe(1_000);
  });

  it('is open for half the time at least, by chance', () => {
    expect(fails(closed, 0, { random: 1 }).openUntilMs).toBe(500);
  });

  it('is not open longer because of requests that were under way when it opened', () => {
    const open = fails(closed, 0);
    expect(fails(open, 500)).toBe(open);
    expect(fails(open, 1_500).failures).toBe(2);
  });

  it('is half-open when its time is over, and open again to all but the one request that probes', () => {
    const open = fails(closed, 0);
    expect([999, 1_000].map((nowMs) => stateOf(open, nowMs))).toEqual(['open', 'half-open']);
    const probed = afterProbeSent(open, 1_000);
    expect([1_001, 30_999, 31_000].map((nowMs) => stateOf(probed, nowMs))).toEqual([
      'open',
      'open',
      'half-open',
    ]);
  });

  it('is never open for more than a minute by itself, nor less than half a second', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const { openUntilMs } = fails({ failures, openUntilMs: 0 }, 0, { random });
        expect(openUntilMs).toBeGreaterThanOrEqual(500);
        expect(openUntilMs).toBeLessThanOrEqual(60_000);
      }),
    );
  });
});
