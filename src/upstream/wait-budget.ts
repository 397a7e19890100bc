import type { AttemptRules } from './attempt-rules.ts';
import type { KeyQuota } from './key-quota.ts';
import type { Waiter } from './request-queue.ts';

/** How long one request may wait for room, in all, and where it does. */
export class WaitBudget {
  readonly #rules: Pick<AttemptRules, 'waiting' | 'maxWaitMs'>;
  readonly #request: { team: string; tokens: number };
  /** Until when it may wait; set when it first does. */
  #untilMs: number | null = null;

  constructor(rules: Pick<AttemptRules, 'waiting' | 'maxWaitMs'>, request: { team: string; tokens: number }) {
    this.#rules = rules;
    this.#request = request;
  }

  /** Whether there may be room before its time is up. */
  lastsFor(room: KeyQuota, nowMs: number): boolean {
    const untilMs = this.#untilMs ?? nowMs + this.#rules.maxWaitMs;
    if (nowMs >= untilMs) return false;
    return room.opensAtMs(nowMs, this.#request.tokens) < untilMs || room.mayOpenSooner(nowMs);
  }

  /** Whether there is a place to wait. */
  hasPlace(): boolean {
    return this.#rules.waiting.hasPlace(this.#request.team);
  }

  /** Waits; what it returns ends that. */
  wait(nowMs: number, waiter: Pick<Waiter, 'ready' | 'go' | 'expire'>): () => void {
    const { waiting, maxWaitMs } = this.#rules;
    this.#untilMs ??= nowMs + maxWaitMs;
    const waits = { ...waiter, team: this.#request.team, deadlineMs: this.#untilMs };
    waiting.enter(waits);
    return () => waiting.leave(waits);
  }
}
