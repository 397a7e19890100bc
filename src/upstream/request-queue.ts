import type { Clock } from '../base/clock.ts';
import { FairQueue, type Queued } from './fair-queue.ts';

/** A request that waits for room. Times are monotonic, ms. */
export interface Waiter extends Queued {
  readonly deadlineMs: number;
  /** Whether it could be sent now. */
  ready(nowMs: number): boolean;
  go(): void;
  /** Its time is up. */
  expire(): void;
}

const tickMs = 50;

/** Where requests wait while no key has room for them: bounded, teams in turn. There is no timer while nobody waits. */
export class RequestQueue {
  readonly #clock: Clock;
  readonly #queue: FairQueue<Waiter>;
  #timer: NodeJS.Timeout | null = null;

  constructor({ clock, max, maxOfTeam }: { clock: Clock; max: number; maxOfTeam: number }) {
    this.#clock = clock;
    this.#queue = new FairQueue({ max, maxOfTeam });
  }

  get size(): number {
    return this.#queue.size;
  }

  hasPlace(team: string): boolean {
    return this.#queue.hasPlace(team);
  }

  enter(waiter: Waiter): void {
    this.#queue.add(waiter);
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
  }

  leave(waiter: Waiter): void {
    this.#queue.remove(waiter);
    this.#stopWhenEmpty();
  }

  /** Sends everybody there is room for, in turn. */
  serve(): void {
    const nowMs = this.#clock.monotonic();
    const ready = (waiter: Waiter): boolean => waiter.ready(nowMs);
    for (let next = this.#queue.take(ready); next; next = this.#queue.take(ready)) next.go();
    this.#stopWhenEmpty();
  }

  #tick(): void {
    this.serve();
    const nowMs = this.#clock.monotonic();
    for (const waiter of this.#queue.all()) {
      if (nowMs < waiter.deadlineMs) continue;
      this.leave(waiter);
      waiter.expire();
    }
  }

  #stopWhenEmpty(): void {
    if (this.#queue.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
