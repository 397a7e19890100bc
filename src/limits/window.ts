import type { Window } from '../base/limit.ts';

/*
 * The arithmetic of limits, as functions of their arguments. `admit.lua` and `settle.lua` do the same in the
 * store; a property test holds the two equal.
 *
 * Minute and hour slide: the previous window counts by the share of it that the last `length` ms still
 * overlap. That is an approximation (it takes the previous window's use as evenly spread), rounded up so
 * that it never admits one too many by its own reckoning. Day and month are calendar windows in UTC.
 */

/** A window, or `open`: what is open right now, which is how concurrency is counted. */
export type Span = Window | 'open';

/** What a limit's counter holds: the window it counts, that window's sum, and the sum of the one before. */
export interface Counter {
  index: number;
  current: number;
  previous: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

export const emptyCounter: Counter = { index: 0, current: 0, previous: 0 };

/** The number of the window that `nowMs` falls in; consecutive windows have consecutive numbers. */
export function windowIndex(span: Span, nowMs: number): number {
  switch (span) {
    case 'minute':
      return Math.floor(nowMs / minuteMs);
    case 'hour':
      return Math.floor(nowMs / hourMs);
    case 'day':
      return Math.floor(nowMs / dayMs);
    case 'month': {
      const date = new Date(nowMs);
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    }
    case 'open':
      return 0;
  }
}

/** Where a window begins, ms; its end is the beginning of the next one. */
export function windowStartMs(span: Window, index: number): number {
  switch (span) {
    case 'minute':
      return index * minuteMs;
    case 'hour':
      return index * hourMs;
    case 'day':
      return index * dayMs;
    case 'month':
      return Date.UTC(Math.floor(index / 12), index % 12, 1);
  }
}

/** The counter as the window `index` sees it. A counter ahead of `index` (a clock set back) stays as it is. */
export function rolled(counter: Counter, index: number): Counter {
  if (counter.index >= index) return counter;
  return { index, current: 0, previous: counter.index === index - 1 ? counter.current : 0 };
}

/** What counts against the limit at `nowMs`, for a counter already rolled to its window. */
export function used(span: Span, counter: Counter, nowMs: number): number {
  if (span !== 'minute' && span !== 'hour') return counter.current;
  const lengthMs = span === 'minute' ? minuteMs : hourMs;
  const leftMs = Math.min(lengthMs, Math.max(0, (counter.index + 1) * lengthMs - nowMs));
  return counter.current + Math.ceil((counter.previous * leftMs) / lengthMs);
}

/** Adds `delta` to the window it was reserved in; a window that has passed out of reach takes nothing. */
export function adjusted(counter: Counter, index: number, delta: number): Counter {
  if (counter.index === index) return { ...counter, current: Math.max(0, counter.current + delta) };
  if (counter.index === index + 1) return { ...counter, previous: Math.max(0, counter.previous + delta) };
  return counter;
}

/**
 * From when on, ms since the epoch, `amount` fits under `max` if nothing else is used; Infinity if never.
 * Concurrency cannot be foreseen: a second from now.
 */
export function fitsAtMs(
  span: Span,
  counter: Counter,
  { amount, max, nowMs }: { amount: number; max: number; nowMs: number },
): number {
  if (amount > max) return Infinity;
  if (used(span, counter, nowMs) + amount <= max) return nowMs;
  if (span === 'open') return nowMs + 1000;
  const endMs = windowStartMs(span, counter.index + 1);
  if (span === 'day' || span === 'month') return endMs;
  const lengthMs = span === 'minute' ? minuteMs : hourMs;
  const room = max - amount - counter.current;
  // Within this window the previous one has to fade to `room`; otherwise this one has to, in the next.
  // The quotient is rounded before the subtraction: beside 10^12 ms its fraction would be lost.
  if (room >= 0) return endMs - Math.floor((room * lengthMs) / counter.previous);
  return endMs + lengthMs - Math.floor(((max - amount) * lengthMs) / counter.current);
}

/** When, without further use, the whole of the limit is free again, ms; null for concurrency. */
export function resetsAtMs(span: Span, counter: Counter): number | null {
  if (span === 'open') return null;
  const slides = span === 'minute' || span === 'hour';
  return windowStartMs(span, counter.index + (slides && counter.current > 0 ? 2 : 1));
}
