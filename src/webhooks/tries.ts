import type { TryOutcome } from './try-outcome.ts';

const [secondMs, minuteMs, hourMs] = [1_000, 60_000, 3_600_000];

/** Between the tries of an event: 11 tries over at least a day. */
const pausesMs: readonly number[] = [
  5 * secondMs,
  30 * secondMs,
  2 * minuteMs,
  10 * minuteMs,
  30 * minuteMs,
  hourMs,
  2 * hourMs,
  4 * hourMs,
  8 * hourMs,
  8.5 * hourMs,
];
/** A pause is up to so much longer, so that what failed together is not sent together again. */
const jitter = 0.1;
/** The longest pause between two tries of different events. */
const longestRestMs = 5 * minuteMs;
/** The longest wait that a receiver may ask for. */
const longestRetryAfterMs = hourMs;
/** A webhook that has taken nothing for so long is disabled. */
const patienceMs = 24 * hourMs;

/** What is known before a try. */
export interface BeforeTry {
  /** How often the event was tried. */
  readonly tries: number;
  /** How often the webhook has failed in a row, with any event. */
  readonly failures: number;
  /** Since when it has taken nothing; null: it did not fail. */
  readonly failingSinceMs: number | null;
}

/** What follows from a try. `restMs`: for how long nothing else is sent to this webhook. */
export type Step =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly inMs: number; readonly restMs: number }
  | { readonly kind: 'given_up'; readonly restMs: number }
  /** The event waits until somebody enables the webhook. */
  | { readonly kind: 'disable'; readonly because: string };

/** What to do after a try that ended at `nowMs`. `random` from 0 to 1. Pure. */
export function stepAfter(
  { tries, failures, failingSinceMs }: BeforeTry,
  outcome: TryOutcome,
  { nowMs, random }: { nowMs: number; random: number },
): Step {
  switch (outcome.kind) {
    case 'taken':
      return { kind: 'delivered' };
    case 'gone':
      return { kind: 'disable', because: 'It answered 410: gone.' };
    case 'failed':
      break;
  }
  if (failingSinceMs !== null && nowMs - failingSinceMs >= patienceMs) {
    return {
      kind: 'disable',
      because: `It has taken nothing for a day. The last error: ${saidOf(outcome)}.`,
    };
  }
  const askedMs = Math.min(longestRetryAfterMs, outcome.retryAfterMs ?? 0);
  const restMs = Math.max(askedMs, Math.min(longestRestMs, pausesMs[failures] ?? longestRestMs));
  const pauseMs = pausesMs[tries];
  if (pauseMs === undefined) return { kind: 'given_up', restMs };
  return { kind: 'retry', inMs: Math.max(askedMs, Math.ceil(pauseMs * (1 + jitter * random))), restMs };
}

function saidOf({ error, status }: Extract<TryOutcome, { kind: 'failed' }>): string {
  return status === null ? error : `${error} ${status}`;
}
