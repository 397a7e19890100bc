import { randomBytes } from 'node:crypto';
import { defaultBreakdownRows, defaultEndUserBytes, defaultKeyedBytes } from '../base/store-bounds.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { pricesEpoch } from '../identity/records/model-price.ts';
import {
  joined,
  linesOf,
  parseDecision,
  parseOpen,
  requestText,
  settledIn,
  settlementText,
  textWithoutAnswer,
  texts,
  watchesText,
} from './admission-texts.ts';
import { endUserBuckets } from '../identity/records/end-user.ts';
import { countersIn, type ReadCounters } from './counters.ts';
import type { AdmitReply, AdmitRequest, Beat, OpenRecord, Settled, Settlement } from './store.ts';

const scripts = {
  admit: loadScript(new URL('./admit.lua', import.meta.url)),
  settle: loadScript(new URL('./settle.lua', import.meta.url)),
  beat: loadScript(new URL('./beat.lua', import.meta.url)),
  openOfSilent: loadScript(new URL('./open_of_silent.lua', import.meta.url)),
  leave: loadScript(new URL('./leave.lua', import.meta.url)),
};

/** Bounds that are absent are those of `base/store-bounds.ts`. */
export interface AdmissionStoreOptions {
  leaseMs: number;
  maxEntries: number;
  retentionDays: number;
  /** How many bytes of text the counters of a team's end users may have. */
  endUserBytes?: number;
  /** How many bytes entries may take until they are drained into records; 0 or absent: there are no records. */
  backlogBytes?: () => number;
  /** How many bytes calls with an Idempotency-Key may take, with the answers that are kept for them. */
  keyedBytes?: number;
  /** How many bytes the items of responses may take. */
  itemBytes?: number;
  /** How many rows with names a team's breakdown of a day may have, without records. */
  breakdownRows?: number;
}

/**
 * The state that all processes share. The scripts do the work; this class converts their arguments and replies. Every
 * method is one atomic step for its whole batch. Methods reject with `StoreUnavailable`; the step may have been taken
 * even so.
 */
export class AdmissionStore {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #options: AdmissionStoreOptions;
  /** By the last answer to an admission. Then nothing is kept for a second call but that there was a first. */
  #isFull = false;
  /** Reads counters of teams' limits. */
  readonly counters: ReadCounters;

  constructor(store: Store, keys: Keys, options: AdmissionStoreOptions) {
    this.#store = store;
    this.#keys = keys;
    this.#options = options;
    this.counters = countersIn(store, keys);
  }

  /** Records that a process is alive. */
  async beat(process: string): Promise<Beat> {
    const { processes, incarnation, open, epochs, guard } = this.#keys;
    const nonce = randomBytes(9).toString('base64url');
    const reply = await this.#store.run(
      scripts.beat,
      [processes, incarnation, open(process), epochs, ...guard],
      [process, this.#options.leaseMs, nonce, pricesEpoch],
    );
    const [nowMs, current = '', prices = '', ...silent] = texts(reply);
    return { nowMs: Number(nowMs), incarnation: current, prices, silent };
  }

  /** Checks and reserves, all limits or none, for up to 200 requests. */
  async admit(process: string, batch: readonly AdmitRequest[]): Promise<AdmitReply> {
    const { processes, open, epochs, incarnation, counters, session, keyed } = this.#keys;
    const args = [
      process,
      this.#options.leaseMs,
      counters(''),
      session(''),
      `${this.#options.endUserBytes ?? defaultEndUserBytes} ${endUserBuckets}`,
      keyed(''),
      joined(batch, requestText),
    ];
    let reply;
    try {
      reply = await this.#store.run(scripts.admit, [processes, open(process), epochs, incarnation], args);
      this.#isFull = false;
    } catch (error) {
      this.#isFull = error instanceof StoreUnavailable && error.isFull;
      throw error;
    }
    if (reply === null) return { kind: 'unknown_process' };
    const [first = '', current = '', ...decisions] = linesOf(reply);
    const [now, evicted] = first.split(' ');
    const nowMs = Number(now);
    return {
      kind: 'decided',
      nowMs,
      incarnation: current,
      decisions: decisions.map((text, n) => parseDecision(text, batch[n]?.limits ?? [], nowMs)),
      ...(evicted === undefined ? {} : { evicted: Number(evicted) }),
    };
  }

  /**
   * Closes grants, each at most once: corrects counters, writes entries, adds totals. Works in a full store.
   */
  async settle(process: string, batch: readonly Settlement[]): Promise<readonly Settled[]> {
    return (await this.#settle(process, 0, batch)) ?? [];
  }

  /** The same for another process's grants. Does nothing and returns null if that process is alive after all. */
  settleSilent(process: string, batch: readonly Settlement[]): Promise<readonly Settled[] | null> {
    return this.#settle(process, this.#options.leaseMs, batch);
  }

  async #settle(
    process: string,
    leaseMs: number,
    batch: readonly Settlement[],
  ): Promise<readonly Settled[] | null> {
    const { processes, open, incarnation, entries, events, counters, totals, settled, session, keyed } =
      this.#keys;
    const { breakdown, said } = this.#keys;
    const { maxEntries, retentionDays } = this.#options;
    const { keyedBytes = defaultKeyedBytes, breakdownRows = defaultBreakdownRows } = this.#options;
    const backlogBytes = this.#options.backlogBytes?.() ?? 0;
    const args = [
      process,
      leaseMs,
      counters(''),
      totals(''),
      settled(''),
      maxEntries,
      retentionDays,
      session(''),
      backlogBytes,
      keyed(''),
      keyedBytes,
      breakdown(''),
      // Records have every entry, with its tags and its end user.
      backlogBytes > 0 ? 0 : breakdownRows,
      this.#options.itemBytes ?? 0,
      said(''),
      joined(batch, this.#isFull ? textWithoutAnswer : settlementText) + watchesText(batch),
    ];
    const reply = await this.#store.run(
      scripts.settle,
      [processes, open(process), incarnation, entries, events],
      args,
    );
    if (reply === null) return null;
    const told = linesOf(reply);
    return batch.map(({ adjustments }, n) => settledIn(told[n], adjustments));
  }

  /** Some open requests of a silent process. Forgets the process if there are none left. */
  async openOfSilent(process: string): Promise<readonly OpenRecord[]> {
    const { processes, open } = this.#keys;
    const reply = texts(
      await this.#store.run(
        scripts.openOfSilent,
        [processes, open(process)],
        [process, this.#options.leaseMs],
      ),
    );
    const records: OpenRecord[] = [];
    for (let at = 0; at + 1 < reply.length; at += 2) {
      records.push(parseOpen(reply[at] ?? '', reply[at + 1] ?? ''));
    }
    return records;
  }

  /** The open requests of a process among `grants`. */
  async openOf(process: string, grants: readonly string[]): Promise<readonly OpenRecord[]> {
    const key = this.#keys.open(process);
    const found = await this.#store.attempt((client) => client.hmget(key, ...grants));
    return grants.flatMap((grant, n) => {
      const text = found[n];
      return text ? [parseOpen(grant, text)] : [];
    });
  }

  /** Forgets a process that stops, unless it has open requests. */
  async leave(process: string): Promise<void> {
    const { processes, open } = this.#keys;
    await this.#store.run(scripts.leave, [processes, open(process)], [process]);
  }
}
