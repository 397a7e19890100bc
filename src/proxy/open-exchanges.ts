import type { Clock } from '../base/clock.ts';

const tickMs = 100;

/** What the table of open exchanges needs of one. */
export interface OpenExchange {
  /** Its index in the table, which alone sets it. */
  slot: number;
  readonly streaming: boolean;
  /** Checks deadlines and heartbeats. */
  tick(nowMs: number): void;
  /** Ends it because the process ends. */
  shutDown(): void;
}

/**
 * All exchanges under way, with one timer for all deadlines. It is an array with slots and not a `Set`: adding to and
 * deleting from a `Set` for each request keeps V8's scavenger promoting (2.43 → 2.19 × bare).
 */
export class OpenExchanges {
  /** Monotonic time of the last tick, ms: exact enough for deadlines of seconds, and free to read. */
  nowMs: number;
  readonly #clock: Clock;
  readonly #open: OpenExchange[] = [];
  #shutDown = false;
  readonly #timer: NodeJS.Timeout;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.nowMs = clock.monotonic();
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  get size(): number {
    return this.#open.length;
  }

  /** How many of them are streams; counted when asked. */
  get streams(): number {
    return this.#open.filter(({ streaming }) => streaming).length;
  }

  /** Adds an exchange; after a shutdown it is ended at once. */
  add(exchange: OpenExchange): void {
    exchange.slot = this.#open.length;
    this.#open.push(exchange);
    if (this.#shutDown) exchange.shutDown();
  }

  /** Removes an exchange; the last one takes its slot. */
  remove(exchange: OpenExchange): void {
    const { slot } = exchange;
    if (this.#open[slot] !== exchange) return;
    const last = this.#open.pop();
    if (last && last !== exchange) {
      this.#open[slot] = last;
      last.slot = slot;
    }
  }

  /** Ends everything that is still under way. */
  shutDown(): void {
    this.#shutDown = true;
    for (const exchange of this.#open.slice()) exchange.shutDown();
  }

  /** Stops the timer. */
  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.nowMs = this.#clock.monotonic();
    // Backwards, since an exchange that ends is replaced by the last one.
    for (let slot = this.#open.length - 1; slot >= 0; slot -= 1) this.#open[slot]?.tick(this.nowMs);
  }
}
