import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isResting, probed, type Rest, rested, working } from '../../../src/upstream/circuit-breaker.ts';

const fails = (rest: Rest, nowMs: number, more: Partial<Parameters<typeof rested>[1]> = {}): Rest =>
  rested(rest, { nowMs, probe: false, retryAfterMs: 0, random: 0, ...more });

describe('an attachment that fails', () => {
  it('rests for a second, twice as long after each request that finds out in vain, a minute at most', () => {
    let rest = fails(working, 0);
    const lengths = [rest.untilMs];
    for (let n = 0; n < 7; n += 1) {
      const nowMs = rest.untilMs;
      rest = fails(probed(rest, nowMs), nowMs + 10, { probe: true });
      lengths.push(rest.untilMs - nowMs - 10);
    }
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it('rests for as long as it asks, if that is longer', () => {
    expect(fails(working, 0, { retryAfterMs: 17_000 }).untilMs).toBe(17_000);
    expect(fails(working, 0, { retryAfterMs: 10 }).untilMs).toBe(1_000);
  });

  it('rests for half the time at least, by chance', () => {
    expect(fails(working, 0, { random: 1 }).untilMs).toBe(500);
  });

  it('does not rest longer for what was under way when its rest began', () => {
    const rest = fails(working, 0);
    expect(fails(rest, 500)).toBe(rest);
    expect(fails(rest, 1_500).failures).toBe(2);
  });

  it('lets one request find out at a time', () => {
    const rest = fails(working, 0);
    expect([999, 1_000].map((nowMs) => isResting(rest, nowMs))).toEqual([true, false]);
    const finding = probed(rest, 1_000);
    expect([1_001, 30_999, 31_000].map((nowMs) => isResting(finding, nowMs))).toEqual([true, true, false]);
  });

  it('never rests for more than a minute of its own, nor less than half a second', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const { untilMs } = fails({ failures, untilMs: 0 }, 0, { random });
        expect(untilMs).toBeGreaterThanOrEqual(500);
        expect(untilMs).toBeLessThanOrEqual(60_000);
      }),
    );
  });
});

it('an attachment that works never rests', () => {
  expect(isResting(working, 0)).toBe(false);
});
