import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Counter,
  emptyCounter,
  fitsAtMs,
  resetsAtMs,
  rolled,
  type Span,
  used,
  windowIndex,
  windowStartMs,
} from '../../../src/limits/window.ts';
import { type Window, windows } from '../../../src/base/limit.ts';

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** From 1970 to 2400. */
const anyTimeMs = fc.integer({ min: 0, max: Date.UTC(2400, 0, 1) });
const anyWindow = fc.constantFrom(...windows);
const anySpan = fc.constantFrom<Span>(...windows, 'open');
const smallOrLarge = (max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max }));

describe('windowIndex', () => {
  for (const [span, lengthMs] of [
    ['minute', minuteMs],
    ['hour', hourMs],
    ['day', dayMs],
  ] as const) {
    it(`counts ${span}s since 1970, changing exactly at the edge`, () => {
      expect(windowIndex(span, 0)).toBe(0);
      expect(windowIndex(span, lengthMs - 1)).toBe(0);
      expect(windowIndex(span, lengthMs)).toBe(1);
      const edgeMs = Date.UTC(2026, 1, 28, 24);
      expect(windowIndex(span, edgeMs)).toBe(edgeMs / lengthMs);
      expect(windowIndex(span, edgeMs - 1)).toBe(edgeMs / lengthMs - 1);
    });
  }

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

  it('is always the same for what is open', () => {
    expect(windowIndex('open', 0)).toBe(0);
    expect(windowIndex('open', Date.UTC(2026, 5, 1))).toBe(0);
  });
});

describe('windowStartMs', () => {
  it('begins the window that a time falls in, and the next one begins after it', () => {
    fc.assert(
      fc.property(anyWindow, anyTimeMs, (span, nowMs) => {
        const index = windowIndex(span, nowMs);
        expect(windowStartMs(span, index)).toBeLessThanOrEqual(nowMs);
        expect(windowStartMs(span, index + 1)).toBeGreaterThan(nowMs);
        expect(windowIndex(span, windowStartMs(span, index))).toBe(index);
      }),
    );
  });
});

describe('rolled', () => {
  const counter: Counter = { index: 7, current: 5, previous: 3 };

  it('leaves a counter of this window as it is', () => {
    expect(rolled(counter, 7)).toEqual(counter);
  });

  it('keeps the sum of the window just before', () => {
    expect(rolled(counter, 8)).toEqual({ index: 8, current: 0, previous: 5 });
  });

  it('forgets what is further back', () => {
    expect(rolled(counter, 9)).toEqual({ index: 9, current: 0, previous: 0 });
    expect(rolled(emptyCounter, 9)).toEqual({ index: 9, current: 0, previous: 0 });
  });

  it('stays where a clock was set back', () => {
    expect(rolled(counter, 6)).toEqual(counter);
  });
});

describe('used', () => {
  it('is the current sum in calendar windows and for what is open', () => {
    for (const span of ['day', 'month', 'open'] as const) {
      expect(used(span, { index: 0, current: 4, previous: 100 }, 0)).toBe(4);
    }
  });

  it('weighs the previous window by what still overlaps, rounded up', () => {
    const counter: Counter = { index: 10, current: 4, previous: 10 };
    const startMs = 10 * minuteMs;
    expect(used('minute', counter, startMs)).toBe(14);
    expect(used('minute', counter, startMs + 1)).toBe(14); // 9.9998
    expect(used('minute', counter, startMs + 6_000)).toBe(13);
    expect(used('minute', counter, startMs + 6_001)).toBe(13);
    expect(used('minute', counter, startMs + 30_000)).toBe(9);
    expect(used('minute', counter, startMs + minuteMs - 1)).toBe(5);
    expect(used('hour', { index: 1, current: 0, previous: 2 }, hourMs + hourMs / 2)).toBe(1);
  });

  it('counts the previous window once at most if the clock was set back', () => {
    expect(used('minute', { index: 10, current: 4, previous: 10 }, 0)).toBe(14);
  });

  it('never grows by time alone, over an edge neither', () => {
    fc.assert(
      fc.property(
        anySpan,
        fc.record({ nowMs: anyTimeMs, passedMs: fc.integer({ min: 0, max: 3 * hourMs }) }),
        smallOrLarge(1e9),
        smallOrLarge(1e9),
        (span, { nowMs, passedMs }, current, previous) => {
          const counter = { index: windowIndex(span, nowMs), current, previous };
          const laterMs = nowMs + passedMs;
          const later = used(span, rolled(counter, windowIndex(span, laterMs)), laterMs);
          expect(later).toBeLessThanOrEqual(used(span, counter, nowMs));
        },
      ),
    );
  });
});

describe('fitsAtMs', () => {
  function fits(span: Span, counter: Counter, { amount, max, nowMs }: FitCase): boolean {
    return used(span, rolled(counter, windowIndex(span, nowMs)), nowMs) + amount <= max;
  }

  interface FitCase {
    amount: number;
    max: number;
    nowMs: number;
  }

  const fitCase = fc.record({ amount: smallOrLarge(1e10), max: smallOrLarge(1e10), nowMs: anyTimeMs });
  const sums = fc.record({ current: smallOrLarge(1e10), previous: smallOrLarge(1e10) });

  it('is the first moment at which the amount fits', () => {
    fc.assert(
      fc.property(anyWindow, sums, fitCase, (span, { current, previous }, asked) => {
        fc.pre(asked.amount <= asked.max);
        const counter = { index: windowIndex(span, asked.nowMs), current, previous };
        const atMs = fitsAtMs(span, counter, asked);
        expect(Number.isSafeInteger(atMs)).toBe(true);
        expect(fits(span, counter, { ...asked, nowMs: atMs })).toBe(true);
        if (atMs > asked.nowMs) expect(fits(span, counter, { ...asked, nowMs: atMs - 1 })).toBe(false);
        else expect(atMs).toBe(asked.nowMs);
      }),
      { numRuns: 5_000 },
    );
  });

  it('is not a millisecond early if the numbers are large', () => {
    const counter = { index: 24_703_585, current: 673_027, previous: 267_563 };
    const asked = { amount: 361_552, max: 36_637 + 361_552 + 673_027, nowMs: 1_482_215_156_998 };
    const atMs = fitsAtMs('minute', counter, asked);
    expect(fits('minute', counter, { ...asked, nowMs: atMs })).toBe(true);
  });

  it('is never if the amount is more than the limit holds', () => {
    for (const span of [...windows, 'open'] as const) {
      expect(fitsAtMs(span, emptyCounter, { amount: 11, max: 10, nowMs: 0 })).toBe(Infinity);
    }
  });

  it('is the end of a calendar window', () => {
    const nowMs = Date.UTC(2026, 1, 28, 12);
    const full = (span: Window): Counter => ({ index: windowIndex(span, nowMs), current: 10, previous: 0 });
    const asked = { amount: 1, max: 10, nowMs };
    expect(fitsAtMs('day', full('day'), asked)).toBe(Date.UTC(2026, 2, 1));
    expect(fitsAtMs('month', full('month'), asked)).toBe(Date.UTC(2026, 2, 1));
  });

  it('is a second from now for concurrency, since nobody knows', () => {
    const counter = { index: 0, current: 2, previous: 0 };
    expect(fitsAtMs('open', counter, { amount: 1, max: 2, nowMs: 5_000 })).toBe(6_000);
    expect(fitsAtMs('open', counter, { amount: 1, max: 3, nowMs: 5_000 })).toBe(5_000);
  });
});

describe('resetsAtMs', () => {
  it('is the first moment at which nothing is used any more', () => {
    fc.assert(
      fc.property(anyWindow, anyTimeMs, smallOrLarge(1e9), smallOrLarge(1e9), (span, nowMs, ...sums) => {
        const [current, previous] = sums;
        const counter = { index: windowIndex(span, nowMs), current, previous };
        const usedAt = (atMs: number): number => used(span, rolled(counter, windowIndex(span, atMs)), atMs);
        const atMs = resetsAtMs(span, counter) ?? Number.NaN;
        expect(usedAt(atMs)).toBe(0);
        if (usedAt(nowMs) > 0) expect(usedAt(atMs - 1)).toBeGreaterThan(0);
      }),
    );
  });

  it('is null for concurrency', () => {
    expect(resetsAtMs('open', { index: 0, current: 3, previous: 0 })).toBeNull();
  });
});
