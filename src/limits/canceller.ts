import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import { cancellation } from './settlement.ts';
import type { Grant } from './grant.ts';
import type { AdmissionStore } from './admission-store.ts';

/** How far this process's idea of the store's clock may be off. */
const clockMarginMs = 2_000;
const retryMs = 500;
const grantsPerCall = 200;
/** More than one command timeout's worth of requests; bounds the memory of an outage. */
const maxAbandoned = 20_000;

export interface AbandonedAdmission {
  /** Incarnation and time of admission are unknown until the store tells them. */
  grant: Grant;
  notAfterMs: number;
}

export interface CancellerOptions {
  store: Pick<AdmissionStore, 'openOf' | 'settle'>;
  process: string;
  storeNowMs: () => number;
  incarnation: () => Promise<string>;
  log: Log;
}

/**
 * Gives back admissions whose answer came too late or never (invariant 4, no ghost): the command may have run,
 * or may still run until its not-after time, in a store that only seemed gone. So each is looked for until
 * that time has passed by the store's clock.
 */
export class Canceller {
  readonly #options: CancellerOptions;
  #abandoned: AbandonedAdmission[] = [];
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(options: CancellerOptions) {
    this.#options = options;
  }

  /** Admissions not yet known to be gone. */
  get pending(): number {
    return this.#abandoned.length;
  }

  /** Takes admissions over that nobody waits for any more. */
  add(abandoned: readonly AbandonedAdmission[]): void {
    const room = Math.max(0, maxAbandoned - this.#abandoned.length);
    if (room < abandoned.length) {
      this.#options.log.error('too many admissions to look for: some may be closed as lost later', { room });
    }
    this.#abandoned.push(...abandoned.slice(0, room));
    this.#schedule();
  }

  /** Looks for what is left at once, until nothing is; for the end of the process, which bounds it. */
  async stop(): Promise<void> {
    while (this.#abandoned.length > 0 || this.#running) {
      await this.#run();
      if (this.#abandoned.length > 0) await setTimeoutPromise(retryMs);
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#run().then(() => {
        if (this.#abandoned.length > 0) this.#schedule();
      });
    }, retryMs);
    this.#timer.unref();
  }

  #run(): Promise<void> {
    this.#running ??= this.#cancelAll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Stops at the first failure: a store that does not answer once is not asked for each batch. */
  async #cancelAll(): Promise<void> {
    const left = this.#abandoned;
    this.#abandoned = [];
    const waiting: AbandonedAdmission[] = [];
    while (left.length > 0) {
      const batch = left.slice(0, grantsPerCall);
      const remaining = await this.#cancel(batch).catch(() => null);
      if (!remaining) break;
      waiting.push(...remaining);
      left.splice(0, grantsPerCall);
    }
    this.#abandoned = [...waiting, ...left, ...this.#abandoned];
  }

  /** Cancels those that the store admitted; returns those that it might still admit. */
  async #cancel(batch: readonly AbandonedAdmission[]): Promise<AbandonedAdmission[]> {
    const { store, process, storeNowMs, incarnation } = this.#options;
    const current = await incarnation();
    const open = await store.openOf(
      process,
      batch.map(({ grant }) => grant.id),
    );
    const admittedAtMs = new Map(open.map((record) => [record.grant, record.admittedAtMs]));
    const found = batch.flatMap(({ grant }) => {
      const atMs = admittedAtMs.get(grant.id);
      return atMs === undefined ? [] : [{ ...grant, admittedAtMs: atMs, incarnation: current }];
    });
    if (found.length > 0) await store.settle(process, found.map(cancellation));
    const passedMs = storeNowMs() - clockMarginMs;
    return batch.filter(({ grant, notAfterMs }) => !admittedAtMs.has(grant.id) && notAfterMs > passedMs);
  }
}
