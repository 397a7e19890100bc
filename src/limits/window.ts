import type { Window } from '../base/limit.ts';

/*
 * The arithmetic of limits, in pure functions. Day and month are calendar windows in UTC. Minute and hour slide: no
 * window of that length ever holds more than the limit's max. What they hold is kept in runs; see `sliding_window.lua`.
 */

/** A window, or `open` for concurrency, which counts the requests that are open now. */
export type Span = Window | 'open';
type Sliding = 'minute' | 'hour';

/** A part of what a sliding window holds. All of it counts until a window's length after its end. */
export interface Run {
  endMs: number;
  amount: number;
}

/** A limit's counter at some moment. */
export interface Counter {
  /** The number of the calendar window. If it slides: the end of its newest run, ms. 0 for what is open. */
  at: number;
  /** How much of the limit is used. */
  used: number;
  /** Of a sliding window that has no room for a request, or that was read for itself: all of it, oldest first. */
  runs: readonly Run[];
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
const slidingMs: Readonly<Record<Sliding, number>> = { minute: minuteMs, hour: hourMs };

export const emptyCounter: Counter = { at: 0, used: 0, runs: [] };

export function isSliding(span: Span): span is Sliding {
  return span === 'minute' || span === 'hour';
}

/** The number of the calendar window that contains `nowMs`. Consecutive windows have consecutive numbers. */
export function windowIndex(span: 'day' | 'month', nowMs: number): number {
  if (span === 'day') return Math.floor(nowMs / dayMs);
  const date = new Date(nowMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** When a calendar window begins, ms. It ends when the next one begins. */
export function windowStartMs(span: 'day' | 'month', index: number): number {
  return span === 'day' ? index * dayMs : Date.UTC(Math.floor(index / 12), index % 12, 1);
}

/** How long a counter's window is, ms. */
export function windowLengthMs(span: Window, { at }: Counter): number {
  return isSliding(span) ? slidingMs[span] : windowStartMs(span, at + 1) - windowStartMs(span, at);
}

/** What a counter's `at` is for what is counted at `nowMs`: the calendar window's number, or the time itself. */
export function countedAt(span: Span, nowMs: number): number {
  if (span === 'open') return 0;
  return isSliding(span) ? nowMs : windowIndex(span, nowMs);
}

/** The counter moved on to `nowMs`. One that is ahead, because a clock was set back, does not change. */
export function movedTo(span: Span, counter: Counter, nowMs: number): Counter {
  if (span === 'open') return counter;
  if (!isSliding(span)) {
    const index = windowIndex(span, nowMs);
    return counter.at >= index ? counter : { at: index, used: 0, runs: [] };
  }
  const fromMs = nowMs - slidingMs[span];
  const runs = counter.runs.filter(({ endMs }) => endMs > fromMs);
  let used = 0;
  for (const { amount } of runs) used += amount;
  return { at: Math.max(counter.at, fromMs), used, runs };
}

/**
 * When `amount` will fit under `max` if nothing else is used, ms since the epoch; Infinity if never. For concurrency,
 * which cannot be foreseen, it is a second from now.
 */
export function fitsAtMs(
  span: Span,
  { at, used, runs }: Counter,
  { amount, max, nowMs }: { amount: number; max: number; nowMs: number },
): number {
  if (amount > max) return Infinity;
  if (used + amount <= max) return nowMs;
  if (span === 'open') return nowMs + 1000;
  if (!isSliding(span)) return windowStartMs(span, at + 1);
  let left = used;
  for (const run of runs) {
    left -= run.amount;
    if (left + amount <= max) return run.endMs + slidingMs[span];
  }
  return at + slidingMs[span];
}

/** When the whole limit is free again if nothing else is used, ms; null for concurrency. */
export function resetsAtMs(span: Span, { at }: Counter): number | null {
  if (span === 'open') return null;
  return isSliding(span) ? at + slidingMs[span] : windowStartMs(span, at + 1);
}
