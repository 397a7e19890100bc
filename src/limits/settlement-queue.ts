import type { Log } from '../base/log.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { Settlement } from './store.ts';
import type { AdmissionStore } from './admission-store.ts';

const gatherMs = 2;
const settlementsPerCall = 200;
const firstRetryMs = 100;
const longestRetryMs = 1_000;
/** OperationDocs 50 MB. Beyond it entries go to the log instead, so that an endless outage cannot end the process. */
const maxWaiting = 50_000;

interface Waiting {
  settlement: Settlement;
  done: () => void;
}

/**
 * Settlements on their way to the store: gathered for 2 ms into one call, and kept until the store has taken
 * them, however long it is away. Settling is idempotent, so a call whose answer was lost is simply repeated.
 */
export class SettlementQueue {
  readonly #store: Pick<AdmissionStore, 'settle'>;
  readonly #process: string;
  readonly #log: Log;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #timer: NodeJS.Timeout | null = null;
  #retryMs = 0;
  #whenDrained: (() => void)[] = [];

  constructor(options: { store: Pick<AdmissionStore, 'settle'>; process: string; log: Log }) {
    this.#store = options.store;
    this.#process = options.process;
    this.#log = options.log;
  }

  /** Settlements the store has not yet taken. */
  get pending(): number {
    return this.#waiting.length + this.#inFlight;
  }

  /** Queues a settlement; calls `done` once the store has it. `urgent` does not wait to gather others. */
  add(settlement: Settlement, done: () => void, urgent: boolean): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#log.error('settlement dropped: too many are waiting for the store', {
        entry: settlement.closing?.entry,
      });
      done();
      return;
    }
    this.#waiting.push({ settlement, done });
    if (this.#retryMs > 0) return;
    if (urgent) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), gatherMs);
  }

  /** Sends what is waiting now, ahead of admissions of the same tick. */
  flush(): void {
    if (this.#waiting.length > 0 && this.#retryMs === 0) this.#flush();
  }

  /** Resolves when the store has everything. */
  drained(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    this.#flush();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    while (this.#waiting.length > 0) void this.#send(this.#waiting.splice(0, settlementsPerCall));
  }

  async #send(batch: Waiting[]): Promise<void> {
    this.#inFlight += batch.length;
    try {
      const results = await this.#store.settle(
        this.#process,
        batch.map(({ settlement }) => settlement),
      );
      this.#inFlight -= batch.length;
      this.#tellClosedBefore(batch, results);
      for (const { done } of batch) done();
      this.#resume();
    } catch (error) {
      this.#inFlight -= batch.length;
      this.#waiting = [...batch, ...this.#waiting];
      this.#retryLater(error);
    }
    if (this.pending === 0) for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  /** The store is back: what came meanwhile waited for this, and for no timer of its own. */
  #resume(): void {
    if (this.#retryMs === 0) return;
    this.#retryMs = 0;
    this.flush();
  }

  #retryLater(error: unknown): void {
    if (!(error instanceof StoreUnavailable)) this.#log.error('settling failed', { error });
    this.#retryMs = Math.min(longestRetryMs, Math.max(firstRetryMs, this.#retryMs * 2));
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), this.#retryMs * (0.5 + Math.random() / 2));
  }

  /** `lost` is final: what arrives after a sweep only says so (invariant 3). Or the try before was taken, unheard. */
  #tellClosedBefore(batch: readonly Waiting[], results: readonly boolean[]): void {
    batch.forEach(({ settlement }, n) => {
      if (results[n] || !settlement.closing) return;
      this.#log.warn('settlement found its request closed already', { entry: settlement.closing.entry });
    });
  }
}
