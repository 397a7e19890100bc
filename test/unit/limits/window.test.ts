import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Counter,
  countedAt,
  emptyCounter,
  fitsAtMs,
  isSliding,
  movedTo,
  resetsAtMs,
  type Run,
  type Span,
  windowIndex,
  windowLengthMs,
  windowStartMs,
} from '../../../src/limits/window.ts';
import { type Window, windows } from '../../../src/base/limit.ts';

const dayMs = 86_400_000;

/** From 1970 to 2400. */
const anyTimeMs = fc.integer({ min: 0, max: Date.UTC(2400, 0, 1) });
const anyWindow = fc.constantFrom(...windows);
const smallOrLarge = (max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max }));

describe('windowIndex', () => {
  it('counts days since 1970, changing exactly at the edge', () => {
    expect(windowIndex('day', 0)).toBe(0);
    expect(windowIndex('day', dayMs - 1)).toBe(0);
    expect(windowIndex('day', dayMs)).toBe(1);
    const edgeMs = Date.UTC(2026, 1, 28, 24);
    expect(windowIndex('day', edgeMs)).toBe(edgeMs / dayMs);
    expect(windowIndex('day', edgeMs - 1)).toBe(edgeMs / dayMs - 1);
  });

  it('counts calendar months in UTC, changing exactly at the edge', () => {
    for (let year = 1970; year <= 2110; year += 1) {
      for (let month = 0; month < 12; month += 1) {
        const edgeMs = Date.UTC(year, month, 1);
        expect(windowIndex('month', edgeMs)).toBe(year * 12 + month);
        expect(windowIndex('month', edgeMs - 1)).toBe(year * 12 + month - 1);
      }
    }
  });

  it('knows leap Februaries and the ends of years', () => {
    const of = (...date: [number, number, number]): number => windowIndex('month', Date.UTC(...date));
    expect(of(2024, 1, 29)).toBe(2024 * 12 + 1);
    expect(of(2023, 1, 29)).toBe(2023 * 12 + 2); // which is 1 March
    expect(of(2000, 1, 29)).toBe(2000 * 12 + 1);
    expect(of(2100, 1, 29)).toBe(2100 * 12 + 2);
    expect(windowIndex('month', Date.UTC(2025, 11, 31, 23, 59, 59, 999))).toBe(2025 * 12 + 11);
    expect(windowIndex('month', Date.UTC(2026, 0, 1))).toBe(2026 * 12);
  });
});

describe('windowStartMs', () => {
  it('begins the window that a time falls in, and the next one begins after it', () => {
    fc.assert(
      fc.property(fc.constantFrom('day', 'month'), anyTimeMs, (span, nowMs) => {
        const index = windowIndex(span, nowMs);
        expect(windowStartMs(span, index)).toBeLessThanOrEqual(nowMs);
        expect(windowStartMs(span, index + 1)).toBeGreaterThan(nowMs);
        expect(windowIndex(span, windowStartMs(span, index))).toBe(index);
      }),
    );
  });
});

describe('windowLengthMs', () => {
  it("is fixed for what slides, and the calendar's for months", () => {
    const february = { at: 2028 * 12 + 1, used: 0, runs: [] };
    expect(windows.map((window) => windowLengthMs(window, february) / 1_000)).toEqual([
      60,
      3_600,
      86_400,
      29 * 86_400,
    ]);
  });
});

describe('countedAt', () => {
  it('is the calendar window, the time itself, or nothing for what is open', () => {
    const nowMs = Date.UTC(2026, 5, 1) + 5;
    const at = (span: Span): number => countedAt(span, nowMs);
    expect(at('day')).toBe(windowIndex('day', nowMs));
    expect(at('month')).toBe(2026 * 12 + 5);
    expect([at('minute'), at('hour')]).toEqual([nowMs, nowMs]);
    expect(at('open')).toBe(0);
  });
});

describe('movedTo', () => {
  const day: Counter = { at: 7, used: 5, runs: [] };

  it('begins a new calendar window with nothing', () => {
    expect(movedTo('day', day, 7 * dayMs)).toEqual(day);
    expect(movedTo('day', day, 8 * dayMs)).toEqual({ at: 8, used: 0, runs: [] });
  });

  it('leaves a calendar window as it is if the clock was set back', () => {
    expect(movedTo('day', day, 6 * dayMs)).toEqual(day);
  });

  it('leaves what is open as it is', () => {
    const open = { at: 0, used: 4, runs: [] };
    expect(movedTo('open', open, 1e15)).toEqual(open);
  });

  it('drops the runs of a sliding window that ended a window ago, to the millisecond', () => {
    const runs = [
      { endMs: 1_000, amount: 3 },
      { endMs: 2_000, amount: 4 },
    ];
    const at = (nowMs: number): Counter => movedTo('minute', { at: 2_000, used: 0, runs }, nowMs);
    expect(at(60_999)).toEqual({ at: 2_000, used: 7, runs });
    expect(at(61_000)).toEqual({ at: 2_000, used: 4, runs: runs.slice(1) });
    expect(at(70_000)).toEqual({ at: 10_000, used: 0, runs: [] });
  });
});

/** A sliding window's counter at `nowMs` that holds these amounts, each so long after the one before. */
function slidingCounter(
  span: Span,
  nowMs: number,
  parts: readonly { gapMs: number; amount: number }[],
): Counter {
  let endMs = nowMs;
  const runs = parts
    .map(({ gapMs, amount }): Run => {
      endMs -= gapMs;
      return { endMs, amount };
    })
    .toReversed();
  return movedTo(span, { at: runs.at(-1)?.endMs ?? 0, used: 0, runs }, nowMs);
}

const anyParts = fc.array(fc.record({ gapMs: fc.nat(900_000), amount: smallOrLarge(1e10) }), {
  maxLength: 8,
});
const counterAt = (
  span: Window,
  nowMs: number,
  parts: readonly { gapMs: number; amount: number }[],
): Counter =>
  isSliding(span)
    ? slidingCounter(span, nowMs, parts)
    : { at: countedAt(span, nowMs), used: parts[0]?.amount ?? 0, runs: [] };

describe('fitsAtMs', () => {
  const fitCase = fc.record({ amount: smallOrLarge(1e10), max: smallOrLarge(1e10), nowMs: anyTimeMs });

  it('is the first moment at which the amount fits', () => {
    fc.assert(
      fc.property(anyWindow, anyParts, fitCase, (span, parts, asked) => {
        fc.pre(asked.amount <= asked.max);
        const counter = counterAt(span, asked.nowMs, parts);
        const fits = (atMs: number): boolean => movedTo(span, counter, atMs).used + asked.amount <= asked.max;
        const atMs = fitsAtMs(span, counter, asked);
        expect(Number.isSafeInteger(atMs)).toBe(true);
        expect(fits(atMs)).toBe(true);
        if (atMs > asked.nowMs) expect(fits(atMs - 1)).toBe(false);
        else expect(atMs).toBe(asked.nowMs);
      }),
      { numRuns: 5_000 },
    );
  });

  it('is when all is free if it is not known what a sliding window holds', () => {
    const counter = { at: 5_000, used: 10, runs: [] };
    expect(fitsAtMs('minute', counter, { amount: 1, max: 10, nowMs: 6_000 })).toBe(65_000);
  });

  it('is never where the amount is more than the limit holds', () => {
    for (const span of [...windows, 'open'] as const) {
      expect(fitsAtMs(span, emptyCounter, { amount: 11, max: 10, nowMs: 0 })).toBe(Infinity);
    }
  });

  it('is the end of a calendar window', () => {
    const nowMs = Date.UTC(2026, 1, 28, 12);
    const full = (span: Window): Counter => ({ at: countedAt(span, nowMs), used: 10, runs: [] });
    const asked = { amount: 1, max: 10, nowMs };
    expect(fitsAtMs('day', full('day'), asked)).toBe(Date.UTC(2026, 2, 1));
    expect(fitsAtMs('month', full('month'), asked)).toBe(Date.UTC(2026, 2, 1));
  });

  it('is a second from now for concurrency, since nobody knows', () => {
    const counter = { at: 0, used: 2, runs: [] };
    expect(fitsAtMs('open', counter, { amount: 1, max: 2, nowMs: 5_000 })).toBe(6_000);
    expect(fitsAtMs('open', counter, { amount: 1, max: 3, nowMs: 5_000 })).toBe(5_000);
  });
});

describe('resetsAtMs', () => {
  it('is the first moment at which nothing is used any more', () => {
    fc.assert(
      fc.property(anyWindow, anyTimeMs, anyParts, (span, nowMs, parts) => {
        const counter = counterAt(span, nowMs, parts);
        const usedAt = (atMs: number): number => movedTo(span, counter, atMs).used;
        const atMs = resetsAtMs(span, counter) ?? Number.NaN;
        expect(atMs).toBeGreaterThanOrEqual(nowMs);
        expect(usedAt(atMs)).toBe(0);
        if (parts.every(({ amount }) => amount > 0) && usedAt(nowMs) > 0) {
          expect(usedAt(atMs - 1)).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('is null for concurrency', () => {
    expect(resetsAtMs('open', { at: 0, used: 3, runs: [] })).toBeNull();
  });
});
