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

export interface DeadlinesOptions {
  timeoutMs: number;
  /** After a failover, a connection may stay silent for ever, although TCP has not noticed: then it is dead. */
  silenceMs: number;
  onSilence: () => void;
  clock?: Pick<Clock, 'monotonic'>;
}

/**
 * One timer for all commands of a connection: they end in the order in which they began, so only the first is watched.
 * A timer for each, set and cleared, takes as many instructions as making the command itself; ioredis's own check for
 * silence, which listens for each command's first byte, as many as all else that it does.
 */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #waiting: Waiting[] = [];
  #isWatched = false;
  /** When the first of those that nothing was heard for began. */
  #silentSinceMs: number | null = null;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  add(pending: Pending): void {
    while (this.#waiting[0]?.pending.isSettled) this.#waiting.shift();
    const { timeoutMs } = this.#options;
    this.#waiting.push({ pending, untilMs: this.#clock.monotonic() + timeoutMs });
    if (!this.#isWatched) this.#checkIn(timeoutMs);
  }

  /** Something came, in time or not. */
  heard(): void {
    this.#silentSinceMs = null;
  }

  #check(): void {
    this.#isWatched = false;
    const nowMs = this.#clock.monotonic();
    const waiting = this.#waiting.filter(({ pending }) => !pending.isSettled);
    const due = waiting.filter(({ untilMs }) => untilMs <= nowMs);
    this.#waiting = waiting.filter(({ untilMs }) => untilMs > nowMs);
    const [first] = this.#waiting;
    if (first) this.#checkIn(first.untilMs - nowMs);
    const [oldest] = due;
    if (oldest) this.#noteSilence(oldest, nowMs);
    for (const { pending } of due) pending.expire();
  }

  #noteSilence({ untilMs }: Waiting, nowMs: number): void {
    const { timeoutMs, silenceMs, onSilence } = this.#options;
    this.#silentSinceMs ??= untilMs - timeoutMs;
    if (nowMs - this.#silentSinceMs < silenceMs) return;
    this.#silentSinceMs = null;
    onSilence();
  }

  /** Whoever waits has a connection open, which keeps the process alive; the timer must not. */
  #checkIn(afterMs: number): void {
    this.#isWatched = true;
    setTimeout(() => this.#check(), afterMs).unref();
  }
}
