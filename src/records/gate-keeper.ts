import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { noCheckpoint } from './checkpoint.ts';
import type { Database } from './database.ts';
import type { DrainedStore } from './drained-store.ts';
import type { Gate } from './gate.ts';
import { type Position, readPosition } from './lease.ts';
import { compareMarks } from './marks.ts';
import { RecordsUnavailable } from './records-unavailable.ts';

const openUnrecorded = loadScript(new URL('./open_unrecorded.lua', import.meta.url));

export interface GateKeeperParts {
  gate: Gate;
  /** The store itself. */
  store: Store;
  keys: Keys;
  drained: Pick<DrainedStore, 'read'>;
  database: Database;
  /** Whether nothing is recorded until somebody changes something. */
  isOff: () => boolean;
  /** Has the store drained, or restored, now. */
  wake: () => void;
  log: Log;
}

/** Between two looks while the gate is closed; of a store that cannot be reached. */
const [lookAgainMs, tryAgainMs] = [100, 1_000];
/** A Postgres that hangs must not keep a store closed that is as it was. */
const answerWithinMs = 3_000;
/** Postgres says that its tables are not made yet. */
const notYet = new Set(['42P01', '3F000']);

/** Opens the gate of this process when its store is what it was. */
export class GateKeeper {
  readonly #parts: GateKeeperParts;
  readonly #stopping = new AbortController();
  #isLooking = false;
  #looks = 0;
  /** Ends the wait for the next look. */
  #awaited = new AbortController();
  /** Whether Postgres has ever answered. */
  #wasReached = false;
  /** The highest mark seen. */
  #mark = 0;

  constructor(parts: GateKeeperParts) {
    this.#parts = parts;
  }

  /** Call it before the store connects. */
  start(): void {
    const { gate, store } = this.#parts;
    store.onDoubt((why) => {
      gate.note({ kind: 'doubt', why });
      if (why === 'forgotten' && gate.state.isOff) void this.#noteUse().catch(() => undefined);
    });
    store.onReady(() => this.#look());
    gate.onClosed(() => this.#look());
  }

  stop(): void {
    this.#stopping.abort();
    this.#awaited.abort();
  }

  /** Looks now, and until the gate is open. */
  #look(): void {
    this.#awaited.abort();
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#looks = 0;
    void this.#lookUntilOpen().finally(() => {
      this.#isLooking = false;
      // A doubt may have come since the last look.
      if (!this.#parts.gate.isOpen && !this.#stopping.signal.aborted) this.#look();
    });
  }

  async #lookUntilOpen(): Promise<void> {
    const { gate } = this.#parts;
    while (!gate.isOpen && !this.#stopping.signal.aborted) {
      this.#awaited = new AbortController();
      const { signal } = this.#awaited;
      const waitMs = await this.#lookOnce();
      if (!gate.isOpen) await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Returns after how long to look again, ms. */
  async #lookOnce(): Promise<number> {
    try {
      await this.#compare();
      return lookAgainMs;
    } catch (error) {
      // If the store cannot be reached, that is in the log already.
      if (!(error instanceof StoreUnavailable)) {
        this.#parts.log.error('the store cannot be compared with its records', { error });
      }
      return tryAgainMs;
    }
  }

  async #compare(): Promise<void> {
    const { gate, drained, isOff } = this.#parts;
    const { doubts } = gate.state;
    if (isOff()) return this.#turnOff();
    const records = await this.#position();
    if (records === 'not_yet') return;
    if (records === 'away') return this.#serveWithout(doubts);
    this.#wasReached = true;
    const { marks, hasDrained } = await drained.read(records.checkpoints, 1);
    const found = compareMarks({ records, store: marks, hasDrained });
    switch (found.kind) {
      case 'in_step':
      case 'untold':
      case 'records_forgot':
        this.#mark = Math.max(this.#mark, marks?.mark ?? 0);
        gate.note({ kind: 'compared', doubts, hasForgotten: false });
        return;
      case 'store_forgot':
        gate.note({ kind: 'compared', doubts, hasForgotten: true });
        return this.#wake();
      case 'first':
      case 'other_store':
        return this.#wake();
    }
  }

  /** At the first look, then once a second: a process that restores the store must not be held up. */
  #wake(): void {
    if (this.#looks++ % 10 === 0) this.#parts.wake();
  }

  async #position(): Promise<Position | 'away' | 'not_yet'> {
    const late = new AbortController();
    try {
      return await Promise.race([
        readPosition(this.#parts.database),
        sleep(answerWithinMs, 'away' as const, { signal: late.signal, ref: false }),
      ]);
    } catch (error) {
      if (!(error instanceof RecordsUnavailable)) throw error;
      return error.sqlState !== null && notYet.has(error.sqlState) ? 'not_yet' : 'away';
    } finally {
      late.abort();
    }
  }

  async #serveWithout(doubts: number): Promise<void> {
    const { gate, store, keys, drained, log } = this.#parts;
    const nothing = { entries: noCheckpoint, refusals: noCheckpoint, audit: noCheckpoint };
    const { marks } = await drained.read(nothing, 1);
    const teams = marks === null ? await store.attempt((client) => client.hkeys(keys.teams)) : [];
    const used = teams.length > 0 && (this.#wasReached || (await this.#noteUse())) ? 'used' : 'empty';
    const drainedLast = (marks?.mark ?? 0) >= this.#mark ? 'drained' : 'older';
    const found = marks === null ? used : drainedLast;
    gate.note({ kind: 'records_away', doubts, store: found, wasReached: this.#wasReached });
    if (gate.isOpen)
      log.warn(
        'Postgres cannot be reached: the store is used as it is, without being compared with its records',
      );
  }

  async #turnOff(): Promise<void> {
    this.#parts.gate.note({ kind: 'records_unusable' });
    await this.#noteUse();
  }

  /**
   * A store that is used without its records must not be taken for one that has lost its data. False if another process
   * restores it.
   */
  async #noteUse(): Promise<boolean> {
    const { store, keys } = this.#parts;
    return (await store.run(openUnrecorded, [keys.records, keys.restoring], [])) === 1;
  }
}
