import type { Window } from '../base/limit.ts';

/*
 * The arithmetic of limits, in pure functions. `admit.lua` does the same in the store; a property test checks that both
 * agree.
 *
 * Minute and hour are sliding windows: the previous window counts in proportion to how much of it lies within the last
 * minute or hour. This approximation assumes that the previous window's use was spread evenly; it is rounded up, so
 * that it never admits too much by its own measure. Day and month are calendar windows in UTC.
 */

/** A window, or `open` for concurrency, which counts the requests that are open now. */
export type Span = Window | 'open';

/** A limit's counter: the number of its window, that window's sum, and the sum of the window before. */
export interface Counter {
  index: number;
  current: number;
  previous: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

export const emptyCounter: Counter = { index: 0, current: 0, previous: 0 };

/** The number of the window that contains `nowMs`. Consecutive windows have consecutive numbers. */
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

/** When a window begins, ms. It ends when the next one begins. */
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

/** The counter moved on to window `index`. A counter that is ahead (because a clock was set back) does not change. */
export function rolled(counter: Counter, index: number): Counter {
  if (counter.index >= index) return counter;
  return { index, current: 0, previous: counter.index === index - 1 ? counter.current : 0 };
}

/** How much of the limit is used at `nowMs`. The counter must already be rolled to that window. */
export function used(span: Span, counter: Counter, nowMs: number): number {
  if (span !== 'minute' && span !== 'hour') return counter.current;
  const lengthMs = span === 'minute' ? minuteMs : hourMs;
  const leftMs = Math.min(lengthMs, Math.max(0, (counter.index + 1) * lengthMs - nowMs));
  return counter.current + Math.ceil((counter.previous * leftMs) / lengthMs);
}

/**
 * When `amount` will fit under `max` if nothing else is used, ms since the epoch; Infinity if never. For concurrency,
 * which cannot be foreseen, it is a second from now.
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
  // If there is room, the previous window fades to it within this window; if not, this window fades in the next.
  // The quotient is rounded before the subtraction: next to 10^12 ms its fraction would be lost.
  if (room >= 0) return endMs - Math.floor((room * lengthMs) / counter.previous);
  return endMs + lengthMs - Math.floor(((max - amount) * lengthMs) / counter.current);
}

/** When the whole limit is free again if nothing else is used, ms; null for concurrency. */
export function resetsAtMs(span: Span, counter: Counter): number | null {
  if (span === 'open') return null;
  const slides = span === 'minute' || span === 'hour';
  return windowStartMs(span, counter.index + (slides && counter.current > 0 ? 2 : 1));
}
