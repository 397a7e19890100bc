import type { Clock } from '../base/clock.ts';
import type { Cause } from './retry.ts';
import type { RequestQueue } from './request-queue.ts';

/** What is told of attempts, for log and metrics. */
export interface AttemptObserver {
  /** One was given up for another; `status` null: it brought no answer. */
  gaveUp(attempt: { attachment: string; cause: Cause; status: number | null; durationMs: number }): void;
  /** An attachment fails and is asked last for a while; told when that begins. */
  rests(rest: { attachment: string; cause: Cause; forMs: number }): void;
  /** It works again. */
  recovered(attachment: string): void;
}

/** What all attempts of a process have in common. */
export interface AttemptRules {
  clock: Clock;
  waiting: RequestQueue;
  observer: AttemptObserver;
  /** How many a request may take. */
  maxAttempts: number;
  /** After so long no other is begun. */
  deadlineMs: number;
  /** How long a request may wait for room; 0: what the upstream says of its room is not heeded. */
  maxWaitMs: number;
}
