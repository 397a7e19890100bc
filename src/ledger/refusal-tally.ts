import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { dayOf } from '../base/days.ts';
import type { Log } from '../base/log.ts';
import {
  encodeRefusalRow,
  maxRefusalRows,
  detailedRefusalRows,
  withoutDetails,
  withoutRoom,
  type RefusalBatch,
  type RefusalCount,
  type RefusedAs,
} from './refusal-count.ts';
import type { RefusalStore } from './refusal-store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';

const gatherMs = 1_000;
/** A larger batch would block the store for too long. */
const countsPerBatch = 200;
const retryMs = 250;
/** How long a stopping process waits for a store that does not answer. */
const patienceMs = 5_000;

export interface RefusalTallyOptions {
  store: Pick<RefusalStore, 'add'>;
  /** Unique among all processes, past ones included. */
  process: string;
  /** An estimate of the store's clock, ms. */
  storeNowMs: () => number;
  clock: Clock;
  log: Log;
}

/**
 * Counts refused requests in this process and sends the counts to the store once a second, so that a refusal costs no
 * round trip. Counts that the store has not taken are sent again. A process that is killed loses its last second.
 */
export class RefusalTally {
  readonly #options: RefusalTallyOptions;
  #gathered = new Map<string, RefusalCount>();
  /** Sent again unchanged until the store confirms them: it may have taken a batch without our knowing. */
  #batches: RefusalBatch[] = [];
  #sequence = 0;
  #sending: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RefusalTallyOptions) {
    this.#options = options;
  }

  /** Counts one refused request. */
  count(as: RefusedAs): void {
    const nowMs = this.#options.storeNowMs();
    const day = dayOf(nowMs);
    const counted =
      this.#countOf(day, as, detailedRefusalRows) ??
      this.#countOf(day, withoutDetails(as)) ??
      this.#countOf(day, withoutRoom(as), Infinity);
    if (counted) {
      counted.refused += 1;
      counted.lastMs = nowMs;
    }
    this.#later();
  }

  /** Resolves when the store has every count. Gives up after 5 s, and logs how many are lost. */
  async drained(): Promise<void> {
    const { clock, log } = this.#options;
    const untilMs = clock.monotonic() + patienceMs;
    await this.#flush();
    while (this.#pending > 0 && clock.monotonic() < untilMs) {
      await sleep(retryMs);
      await this.#flush();
    }
    if (this.#pending > 0) log.error('counts of refused requests lost', { refused: this.#pending });
  }

  /** How many refused requests the store has not counted yet. */
  get #pending(): number {
    const waiting = [...this.#gathered.values(), ...this.#batches.flatMap(({ counts }) => counts)];
    return waiting.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** The count of a row, created if there is room: an outage of the store must not exhaust the memory. */
  #countOf(day: string, as: RefusedAs, maxRows = maxRefusalRows): RefusalCount | null {
    const name = `${day}\t${encodeRefusalRow(as)}`;
    const known = this.#gathered.get(name);
    if (known) return known;
    if (this.#gathered.size >= maxRows) return null;
    const made: RefusalCount = { day, as, refused: 0, lastMs: 0 };
    this.#gathered.set(name, made);
    return made;
  }

  #flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
      if (this.#pending > 0) this.#later();
    });
    return this.#sending;
  }

  #later(): void {
    this.#timer ??= setTimeout(() => void this.#flush(), gatherMs).unref();
  }

  async #send(): Promise<void> {
    const { store, log } = this.#options;
    // Requests counted meanwhile wait until these batches are sent.
    if (this.#batches.length === 0) this.#batches = this.#inBatches();
    try {
      for (let [batch] = this.#batches; batch !== undefined; [batch] = this.#batches) {
        await store.add(batch);
        this.#batches.shift();
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) log.error('counting refused requests failed', { error });
    }
  }

  #inBatches(): RefusalBatch[] {
    const counts = [...this.#gathered.values()];
    this.#gathered = new Map();
    const batches: RefusalBatch[] = [];
    for (let at = 0; at < counts.length; at += countsPerBatch) {
      this.#sequence += 1;
      const part = counts.slice(at, at + countsPerBatch);
      batches.push({ process: this.#options.process, sequence: this.#sequence, counts: part });
    }
    return batches;
  }
}
