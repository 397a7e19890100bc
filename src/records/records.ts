import type { RecordsBrief } from './records-view.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { RecordsSettings } from '../config/records.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { compareIds, startOfStreams, type StreamName, streamNames } from './checkpoint.ts';
import { Database } from './database.ts';
import type { Drain, OnGap, Pass } from './drain.ts';
import { type Backlog, DrainedStore } from './drained-store.ts';
import { GateKeeper } from './gate-keeper.ts';
import { Gate } from './gate.ts';
import { GatedStore } from './gated-store.ts';
import { type Held, Lease, LeaseLost, readPosition } from './lease.ts';
import { migrate } from './migrate.ts';
import { misuseIn } from './misuse.ts';
import { type Lock, Partitions } from './partitions.ts';
import { RecordsUnavailable } from './records-unavailable.ts';
import { storeDrain } from './store-drain.ts';

/** Whether Postgres keeps records. */
export type RecordsState =
  /** Not until somebody changes something: the gateway serves without. */
  | { readonly kind: 'off'; readonly reason: string }
  /** It does not answer. What is to be recorded waits in the store. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'on'; readonly isDraining: boolean };

export interface RecordsOptions {
  settings: NonNullable<RecordsSettings>;
  /** The store itself: records are read from it and restored to it while requests wait. */
  store: Store;
  keys: Keys;
  /** How many drained entries stay in the store. */
  maxEntries: number;
  /** How long the totals of a day stay in the store. */
  usageRetentionDays: number;
  /** This process's id. */
  process: string;
  clock: Clock;
  log: Log;
  onGap: OnGap;
}

/** Between two looks for what is to be drained. With the batch itself, entries are in Postgres within 2 s. */
const tickMs = 750;
/** After the store was named or restored, or has changed while it was read. */
const againMs = 50;
/** Between two attempts to take the lease: with its 8 s, another process takes over within 15 s. */
const [soonestTryMs, latestTryMs] = [2_000, 4_000];
const renewEveryMs = 2_500;
const retryMs = 2_000;
const keepEveryMs = 3_600_000;
/** A process that keeps no records may charge limits beside this one, and may have before: they are recorded anew. */
const mirrorEveryMs = 3_600_000;
/** How long a stopping process goes on to drain. */
const lastDrainMs = 4_000;
const stopWithinMs = 6_000;
/** How long to wait for the drain to come to what is in the store now. */
const drainedWithinMs = 10_000;

/**
 * The records of this process: brings the tables to this version, and drains the store while it holds the lease. It never
 * throws and never keeps requests waiting.
 */
export class Records {
  readonly database: Database;
  readonly lease: Lease;
  readonly store: DrainedStore;
  /** The store as requests use it: not while it lacks what is recorded. */
  readonly gated: Store;
  readonly #keeper: GateKeeper;
  readonly #options: RecordsOptions;
  readonly #drain: Drain;
  readonly #partitions: Partitions;
  readonly #stopping = new AbortController();
  /** Ends the wait for the next look. */
  #awaited = new AbortController();
  #state: RecordsState = { kind: 'unreachable', reason: 'Postgres has not answered yet.' };
  /** Whether the log has said that Postgres is away. */
  #isTold = false;
  /** As it was taken; null if that may no longer be so. */
  #held: Held | null = null;
  #heldAtMs = 0;
  #keptAtMs = -Infinity;
  #mirroredAtMs = -Infinity;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RecordsOptions) {
    const { settings, store, keys, process, log } = options;
    this.#options = options;
    this.database = new Database(settings);
    this.lease = new Lease(this.database, process);
    this.store = new DrainedStore(store, keys);
    this.#partitions = new Partitions(this.database);
    const gate = new Gate();
    this.gated = new GatedStore(store, gate);
    const { database, lease, store: drained } = this;
    this.#keeper = new GateKeeper({
      gate,
      store,
      keys,
      drained,
      database,
      isOff: () => this.#state.kind === 'off',
      wake: () => this.#wake(),
      log,
    });
    this.#drain = storeDrain({
      ...options,
      database,
      lease,
      partitions: this.#partitions,
      drained,
      onForgotten: () => gate.note({ kind: 'doubt', why: 'forgotten' }),
    });
  }

  get state(): RecordsState {
    return this.#state;
  }

  /** Whether the store must keep what is not drained. */
  get isKept(): boolean {
    return this.#state.kind !== 'off';
  }

  /** How many bytes of the store entries may take until they are drained. */
  get backlogBytes(): number {
    return this.#options.settings.backlogBytes;
  }

  /** What waits to be drained, for metrics. Rejects with `StoreUnavailable`. */
  async extent(): Promise<{
    isOn: boolean;
    backlog: Record<StreamName, number>;
    drainedAtMs: number | null;
  }> {
    const { drainedAtMs, bytes: _bytes, ...backlog } = await this.store.backlog();
    return { isOn: this.#state.kind === 'on', backlog, drainedAtMs };
  }

  /** What waits to be drained, and since when; null if nothing is recorded. Rejects with `StoreUnavailable`. */
  async lag(): Promise<{ backlog: Backlog; oldestAtMs: number | null; backlogBytes: number } | null> {
    if (!this.isKept) return null;
    const [backlog, oldestAtMs] = await Promise.all([this.store.backlog(), this.store.oldestUndrainedMs()]);
    return { backlog, oldestAtMs, backlogBytes: this.backlogBytes };
  }

  /** How the records are, without asking Postgres. Rejects with `StoreUnavailable`. */
  async brief(): Promise<RecordsBrief> {
    const { drainedAtMs, ...backlog } = await this.store.backlog();
    return {
      state: this.#state.kind,
      problem: this.#state.kind === 'on' ? null : this.#state.reason,
      backlog,
      last_drain_at: drainedAtMs === null ? null : new Date(drainedAtMs).toISOString(),
    };
  }

  /** Begins to drain, however long Postgres takes to answer. */
  start(): void {
    this.#keeper.start();
    this.#running = this.#run();
  }

  /**
   * Drains what is left, if this process drains, and lets another one take over. Resolves within some seconds, even if
   * Postgres hangs. Never rejects.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    this.#keeper.stop();
    await Promise.race([this.#end(), sleep(stopWithinMs, undefined, { ref: false })]);
  }

  async #end(): Promise<void> {
    await this.#running;
    if (this.#state.kind === 'on') await this.#drainLast().catch(() => undefined);
    await this.database.close();
  }

  /**
   * Resolves when Postgres has all that is in the store now, whichever process drains it. Rejects with `StoreUnavailable`
   * if that takes too long.
   */
  async drained(): Promise<void> {
    if (this.#state.kind === 'off') throw new RecordsUnavailable(this.#state.reason);
    const { clock } = this.#options;
    const { streams } = await this.store.read(startOfStreams, 1);
    const untilMs = clock.monotonic() + drainedWithinMs;
    for (;;) {
      const { checkpoints } = await readPosition(this.database);
      const isDrained = streamNames.every(
        (name) => compareIds(checkpoints[name].id, streams[name].lastId) >= 0,
      );
      if (isDrained) return;
      if (clock.monotonic() > untilMs)
        throw new RecordsUnavailable('Postgres does not keep up with the store.');
      await sleep(tickMs / 3);
    }
  }

  async #run(): Promise<void> {
    let isReady = false;
    while (!this.#stopping.signal.aborted && this.#state.kind !== 'off') {
      let waitMs = retryMs;
      try {
        if (!isReady) await migrate(this.database);
        isReady = true;
        waitMs = await this.#tick();
      } catch (error) {
        this.#failed(error, isReady);
      }
      const { signal } = this.#awaited;
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) this.#awaited = new AbortController();
    }
  }

  /** Has the next look now. */
  #wake(): void {
    this.#awaited.abort();
  }

  /** One look at the streams. Returns after how long to look again, ms. */
  async #tick(): Promise<number> {
    const held = await this.#hold();
    this.#isOn(held !== null);
    if (held === null) return soonestTryMs + Math.random() * (latestTryMs - soonestTryMs);
    await this.#keep(held);
    const pass = await this.#passWith(held);
    if (!isIdle(pass)) this.#held = null;
    if (pass.kind === 'other_store') {
      await this.lease.release();
      this.#turnOff('DATABASE_URL holds the records of another store.');
    }
    if (pass.kind === 'again') return againMs;
    return hasMore(pass) ? 0 : tickMs;
  }

  async #passWith(held: Held): Promise<Pass> {
    const nowMs = this.#options.clock.monotonic();
    const isDue = nowMs - this.#mirroredAtMs >= mirrorEveryMs;
    const pass = await this.#drain.pass(held, { isDue });
    if (isDue && pass.kind === 'drained' && pass.isAll) this.#mirroredAtMs = nowMs;
    return pass;
  }

  /** While nothing is drained, the lease is renewed now and then only. */
  async #hold(): Promise<Held | null> {
    const nowMs = this.#options.clock.monotonic();
    if (this.#held !== null && nowMs - this.#heldAtMs < renewEveryMs) return this.#held;
    this.#held = await this.lease.take();
    this.#heldAtMs = nowMs;
    return this.#held;
  }

  /** Once an hour. */
  async #keep(held: Held): Promise<void> {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#keptAtMs < keepEveryMs) return;
    const { retentionDays } = this.#options.settings;
    const lock: Lock = (queries) => this.lease.lock(queries, held);
    const dropped = await this.#partitions.keep(retentionDays, lock);
    this.#keptAtMs = nowMs;
    if (dropped === null) {
      this.#options.log.warn('old entries are not dropped yet: somebody reads them for long');
      return;
    }
    if (dropped.length > 0)
      this.#options.log.info('old entries were dropped', {
        partitions: dropped.join(' '),
      });
  }

  async #drainLast(): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.monotonic() + lastDrainMs;
    while (clock.monotonic() < untilMs) {
      const held = await this.lease.take();
      if (held === null) return;
      if (!hasMore(await this.#drain.pass(held))) break;
    }
    await this.lease.release();
  }

  #isOn(isDraining: boolean): void {
    if (this.#state.kind === 'unreachable') this.#options.log.info('Postgres keeps the records');
    this.#isTold = false;
    this.#state = { kind: 'on', isDraining };
  }

  /** `wasReady`: Postgres has been used before, so whatever is wrong now may pass. */
  #failed(error: unknown, wasReady: boolean): void {
    this.#held = null;
    this.#partitions.forget();
    if (error instanceof LeaseLost) return;
    const misuse = wasReady ? null : misuseIn(error);
    if (misuse !== null) return this.#turnOff(misuse, error);
    // Without its store, a gateway has other worries, which are told already.
    if (error instanceof StoreUnavailable && !(error instanceof RecordsUnavailable)) return;
    const reason = error instanceof Error ? error.message : 'Draining failed.';
    if (!this.#isTold) this.#options.log.warn('what is to be recorded waits in the store', { error });
    this.#isTold = true;
    this.#state = { kind: 'unreachable', reason };
  }

  #turnOff(reason: string, error?: unknown): void {
    this.#state = { kind: 'off', reason };
    this.#options.log.error(`nothing is recorded in Postgres. ${reason}`, { error });
  }
}

/** Whether another pass would find something at once. */
function hasMore(pass: Pass): boolean {
  return pass.kind === 'drained' && !pass.isAll;
}

function isIdle(pass: Pass): boolean {
  return pass.kind === 'drained' && !pass.hasMoved;
}
