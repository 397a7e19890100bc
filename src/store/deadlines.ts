import { type Clock, systemClock } from '../base/clock.ts';

/** What may take no longer than a given time. */
export interface Pending {
  readonly isSettled: boolean;
  /** Its time is over. */
  expire(): void;
}

interface Waiting {
  pending: Pending;
  untilMs: number;
}

/**
 * One timer for all that may take equally long: they end in the order in which they began, so only the first is watched.
 * A timer for each, set and cleared, takes as many instructions as making the command itself.
 */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #waiting: Waiting[] = [];
  #isWatched = false;

  constructor(timeoutMs: number, clock: Pick<Clock, 'monotonic'> = systemClock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  add(pending: Pending): void {
    while (this.#waiting[0]?.pending.isSettled) this.#waiting.shift();
    this.#waiting.push({ pending, untilMs: this.#clock.monotonic() + this.#timeoutMs });
    if (!this.#isWatched) this.#checkIn(this.#timeoutMs);
  }

  #check(): void {
    this.#isWatched = false;
    const nowMs = this.#clock.monotonic();
    const due = this.#waiting.filter(({ pending, untilMs }) => !pending.isSettled && untilMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ pending, untilMs }) => !pending.isSettled && untilMs > nowMs);
    const [first] = this.#waiting;
    if (first) this.#checkIn(first.untilMs - nowMs);
    for (const { pending } of due) pending.expire();
  }

  /** Whoever waits has a connection open, which keeps the process alive; the timer must not. */
  #checkIn(afterMs: number): void {
    this.#isWatched = true;
    setTimeout(() => this.#check(), afterMs).unref();
  }
}
