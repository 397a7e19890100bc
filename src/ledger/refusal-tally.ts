import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { dayOf } from '../base/days.ts';
import type { Log } from '../base/log.ts';
import {
  encodeRefusalRow,
  maxRefusalRows,
  withoutRoom,
  type RefusalBatch,
  type RefusalCount,
  type RefusedAs,
} from './refusal-count.ts';
import type { RefusalStore } from './refusal-store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';

const gatherMs = 1_000;
/** A script call of more would hold the store up. */
const countsPerBatch = 200;
const retryMs = 250;
/** How long a process that ends waits for a store that does not answer. */
const patienceMs = 5_000;

export interface RefusalTallyOptions {
  store: Pick<RefusalStore, 'add'>;
  /** A name no other process has, nor this one had before. */
  process: string;
  /** The store's clock as far as this process can tell, ms. */
  storeNowMs: () => number;
  clock: Clock;
  log: Log;
}

/**
 * Counts refused requests in this process and hands them to the store a second later, so that a refusal costs no
 * trip. What the store does not take is kept and sent again; a process that is killed loses its last second.
 */
export class RefusalTally {
  readonly #options: RefusalTallyOptions;
  #gathered = new Map<string, RefusalCount>();
  /** Sent as they are until the store has taken them: one may have been, unheard. */
  #batches: RefusalBatch[] = [];
  #sequence = 0;
  #sending: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RefusalTallyOptions) {
    this.#options = options;
  }

  /** Counts one refused request. */
  count(as: RefusedAs): void {
    const day = dayOf(this.#options.storeNowMs());
    const counted = this.#countOf(day, as) ?? this.#countOf(day, withoutRoom(as), Infinity);
    if (counted) counted.refused += 1;
    this.#later();
  }

  /** Resolves when the store has every count, or has not answered for 5 s: that is said in the log. */
  async drained(): Promise<void> {
    const { clock, log } = this.#options;
    const untilMs = clock.monotonic() + patienceMs;
    await this.#flush();
    while (this.#pending > 0 && clock.monotonic() < untilMs) {
      await sleep(retryMs);
      await this.#flush();
    }
    if (this.#pending > 0) log.error('counts of refused requests left behind', { refused: this.#pending });
  }

  /** Refused requests the store has not yet been told of. */
  get #pending(): number {
    const waiting = [...this.#gathered.values(), ...this.#batches.flatMap(({ counts }) => counts)];
    return waiting.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** The count of a row, made where there is room for it: an outage of the store must not fill the process. */
  #countOf(day: string, as: RefusedAs, maxRows = maxRefusalRows): RefusalCount | null {
    const name = `${day}\t${encodeRefusalRow(as)}`;
    const known = this.#gathered.get(name);
    if (known) return known;
    if (this.#gathered.size >= maxRows) return null;
    const made: RefusalCount = { day, as, refused: 0 };
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
    // What is counted meanwhile waits for the next second, and for these.
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
