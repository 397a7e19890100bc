import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import { cancellation } from './settlement.ts';
import type { Grant } from './grant.ts';
import type { AdmissionStore } from './admission-store.ts';

/** How wrong this process's estimate of the store's clock may be. */
const clockMarginMs = 2_000;
const retryMs = 500;
const grantsPerCall = 200;
/** Bounds the memory during an outage. It is more than all requests of one command timeout. */
const maxAbandoned = 20_000;

export interface AbandonedAdmission {
  /** Its incarnation and time of admission are not known yet. */
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
 * Cancels admissions whose answer came too late or never (invariant 4, no ghost). The store may have run the command,
 * or may still run it until the admission's not-after time. So this keeps looking for the admission until that time has
 * passed by the store's clock.
 */
export class Canceller {
  readonly #options: CancellerOptions;
  #abandoned: AbandonedAdmission[] = [];
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(options: CancellerOptions) {
    this.#options = options;
  }

  /** Admissions that may still exist. */
  get pending(): number {
    return this.#abandoned.length;
  }

  /** Takes over admissions that no caller waits for. */
  add(abandoned: readonly AbandonedAdmission[]): void {
    const room = Math.max(0, maxAbandoned - this.#abandoned.length);
    if (room < abandoned.length) {
      this.#options.log.error('too many admissions to cancel: some may be closed as lost later', { room });
    }
    this.#abandoned.push(...abandoned.slice(0, room));
    this.#schedule();
  }

  /** Cancels everything that is left, without delay. Used when the process ends, which also limits the time. */
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

  /** Stops at the first failure: if the store does not answer, the other batches wait too. */
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

  /** Cancels the admissions that the store has made. Returns those that it may still make. */
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
