import { cancellation } from './settlement.ts';
import type { Grant } from './grant.ts';
import type { AdmissionStore } from './store.ts';

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
  store: AdmissionStore;
  process: string;
  storeNowMs: () => number;
  incarnation: () => Promise<string>;
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

  constructor(options: CancellerOptions) {
    this.#options = options;
  }

  /** Admissions not yet known to be gone. */
  get pending(): number {
    return this.#abandoned.length;
  }

  /** Takes admissions over that nobody waits for any more. */
  add(abandoned: readonly AbandonedAdmission[]): void {
    const room = maxAbandoned - this.#abandoned.length;
    this.#abandoned.push(...abandoned.slice(0, Math.max(0, room)));
    this.#timer ??= setTimeout(() => void this.#run(), retryMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    const before = this.#abandoned;
    this.#abandoned = [];
    for (let at = 0; at < before.length; at += grantsPerCall) {
      const batch = before.slice(at, at + grantsPerCall);
      const left = await this.#cancel(batch).catch(() => batch);
      this.#abandoned.push(...left);
    }
    this.#timer = null;
    if (this.#abandoned.length > 0) this.add([]);
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
