import { type Counter, isSliding, movedTo, type Run, type Span } from './window.ts';

/*
 * Counters as the store keeps them: see `counter.lua` and `sliding_window.lua`. Only the scripts write them.
 */

const noRuns: readonly Run[] = [];

/**
 * The field of a limit's counter. Earlier versions kept sliding windows in a field without `~`, in another form. Both
 * can run side by side.
 */
export function counterField(limitId: string, span: Span): string {
  return isSliding(span) ? `${limitId}~` : limitId;
}

/** A counter from its text, moved on to `nowMs`; empty if there is no text. */
export function counterOf(text: string, span: Span, nowMs: number): Counter {
  const numbers = text === '' ? [] : text.split(/[ :]/).map(Number);
  const counter = isSliding(span) ? slidingCounter(numbers) : calendarCounter(numbers);
  return movedTo(span, counter, nowMs);
}

/** A counter as an admission tells it. A sliding window that has room shows its sum only. */
export function toldCounter(text: string, span: Span, nowMs: number): Counter {
  const space = text.indexOf(' ');
  if (text.includes(' ', space + 1)) return counterOf(text, span, nowMs);
  return { at: Number(text.slice(0, space)), used: Number(text.slice(space + 1)), runs: noRuns };
}

function calendarCounter([at = 0, used = 0]: readonly number[]): Counter {
  return { at, used, runs: noRuns };
}

function slidingCounter(numbers: readonly number[]): Counter {
  const [used = 0, base = 0, last = 0, , amount = 0, ...older] = numbers;
  const runs: Run[] = [];
  let endMs = base;
  for (let n = 0; n + 1 < older.length; n += 2) {
    endMs += older[n] ?? 0;
    runs.push({ endMs, amount: older[n + 1] ?? 0 });
  }
  runs.push({ endMs: last, amount });
  return { at: last, used, runs };
}
