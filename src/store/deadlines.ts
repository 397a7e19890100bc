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
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** `now` is monotonic, ms. */
  constructor(timeoutMs: number, now: () => number = () => performance.now()) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  add(pending: Pending): void {
    while (this.#waiting[0]?.pending.isSettled) this.#waiting.shift();
    this.#waiting.push({ pending, untilMs: this.#now() + this.#timeoutMs });
    this.#timer ??= this.#checkIn(this.#timeoutMs);
  }

  #check(): void {
    this.#timer = null;
    const nowMs = this.#now();
    const due = this.#waiting.filter(({ pending, untilMs }) => !pending.isSettled && untilMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ pending, untilMs }) => !pending.isSettled && untilMs > nowMs);
    const [first] = this.#waiting;
    if (first) this.#timer = this.#checkIn(first.untilMs - nowMs);
    for (const { pending } of due) pending.expire();
  }

  /** Whoever waits has a connection open, which keeps the process alive; the timer must not. */
  #checkIn(afterMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#check(), afterMs).unref();
  }
}
