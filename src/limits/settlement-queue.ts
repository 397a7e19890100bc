import type { Log } from '../base/log.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { KeyedEnd, Settled, Settlement } from './store.ts';
import type { AdmissionStore } from './admission-store.ts';

const gatherMs = 2;
const settlementsPerCall = 200;
const firstRetryMs = 100;
const longestRetryMs = 1_000;
/** About 50 MB. Beyond this, entries go to the log instead, so that a long outage cannot exhaust the memory. */
const maxWaiting = 50_000;

/**
 * When a settlement is sent: at once, if its caller waits for it; with those of the next 2 ms; or at the end of this turn
 * of the event loop, if no other request is under way. Then nothing would come to be gathered, and a timer costs a turn.
 */
export type Leaves = 'now' | 'soon' | 'gathered';

/** Beyond this, no more answers are kept for calls with an Idempotency-Key, only that there were calls. */
const maxAnswerBytes = 4 * 1_048_576;

interface Waiting {
  settlement: Settlement;
  done: (settled: Settled) => void;
}

/**
 * Sends settlements to the store. It gathers them for 2 ms into one call, and keeps them until the store has taken
 * them, however long that takes. Settling is idempotent, so a call without an answer is repeated.
 */
export class SettlementQueue {
  readonly #store: Pick<AdmissionStore, 'settle'>;
  readonly #process: string;
  readonly #log: Log;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  /** What the settlements of `pending` hold of answers. */
  #answerBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #retryMs = 0;
  #whenDrained: (() => void)[] = [];

  constructor(store: Pick<AdmissionStore, 'settle'>, process: string, log: Log) {
    this.#store = store;
    this.#process = process;
    this.#log = log;
  }

  /** Settlements the store has not yet taken. */
  get pending(): number {
    return this.#waiting.length + this.#inFlight;
  }

  /** Queues a settlement, and calls `done` when the store has it. */
  add(settlement: Settlement, done: (settled: Settled) => void, leaves: Leaves): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#log.error('settlement dropped: too many are waiting for the store', {
        entry: settlement.closing?.entry,
      });
      done(null);
      return;
    }
    if (settlement.keyed) this.#boundAnswer(settlement.keyed);
    this.#waiting.push({ settlement, done });
    if (this.#retryMs > 0) return;
    switch (leaves) {
      case 'now':
        return this.#flush();
      case 'soon':
        setImmediate(() => this.flush());
        return;
      case 'gathered':
        this.#timer ??= setTimeout(() => this.#flush(), gatherMs);
    }
  }

  /** Sends what is waiting now, before the admissions of the same tick. */
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
      for (const { settlement } of batch) this.#answerBytes -= settlement.keyed?.answer.length ?? 0;
      this.#warnOfClosed(batch, results);
      batch.forEach(({ done }, n) => done(results[n] ?? null));
      this.#resume();
    } catch (error) {
      this.#inFlight -= batch.length;
      this.#waiting = [...batch, ...this.#waiting];
      this.#retryLater(error);
    }
    if (this.pending === 0) for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  #boundAnswer(keyed: KeyedEnd): void {
    if (this.#answerBytes + keyed.answer.length > maxAnswerBytes) keyed.answer = '';
    this.#answerBytes += keyed.answer.length;
  }

  /** The store is back. Settlements that were queued meanwhile have no timer of their own, so send them now. */
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

  /**
   * Either another process closed the request as lost, which is final (invariant 3), or an unanswered try succeeded.
   */
  #warnOfClosed(batch: readonly Waiting[], results: readonly Settled[]): void {
    batch.forEach(({ settlement }, n) => {
      if (results[n] || !settlement.closing) return;
      this.#log.warn('settlement found its request closed already', { entry: settlement.closing.entry });
    });
  }
}
