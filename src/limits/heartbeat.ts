import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { lostSettlement } from './settlement.ts';
import type { Beat } from './store.ts';
import type { AdmissionStore } from './admission-store.ts';

const settlementsPerCall = 100;

export interface HeartbeatOptions {
  store: Pick<AdmissionStore, 'beat' | 'leave' | 'openOfSilent' | 'settleSilent'>;
  process: string;
  leaseMs: number;
  clock: Clock;
  log: Log;
  /** Called with what each heartbeat tells, before it counts as sent. Absent: not. */
  onBeat?: (beat: Beat) => Promise<void>;
}

/**
 * Keeps this process's lease in the store. Also closes the open requests of silent processes as `lost` (invariant 2).
 * After an interruption of its own heartbeat, a process waits a full lease before it does that: after an outage of the
 * store, every process looks silent.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | null = null;
  #beating: Promise<Beat> | null = null;
  #stopped = false;
  /** Whether the last heartbeat failed. Only the first failure is logged. */
  #failing = false;
  /** The store's clock minus our monotonic clock, ms. Our wall clock may be wrong and would make admissions late. */
  #offsetMs: number;
  #lastBeatMs = -Infinity;
  #steadySinceMs = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    // Until the store's clock is known, use our own.
    this.#offsetMs = options.clock.now() - options.clock.monotonic();
  }

  /** Starts the heartbeat. It continues even while the store fails. */
  start(): void {
    void this.#tick();
  }

  /** An estimate of the store's clock, ms. */
  storeNowMs(): number {
    return this.#options.clock.monotonic() + this.#offsetMs;
  }

  /** Sends a heartbeat now. Concurrent calls share one. Rejects with `StoreUnavailable`. */
  beat(): Promise<Beat> {
    this.#beating ??= this.#send().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  /** Stops the heartbeat, and removes the process from the store if it has no open requests. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#options.store.leave(this.#options.process).catch(() => undefined);
  }

  async #send(): Promise<Beat> {
    const { store, process, leaseMs, clock } = this.#options;
    const beat = await store.beat(process);
    const nowMs = clock.monotonic();
    // Two intervals without a heartbeat count as an outage. Other processes may return a little later than this one.
    if (nowMs - this.#lastBeatMs > leaseMs / 2) this.#steadySinceMs = nowMs;
    this.#lastBeatMs = nowMs;
    this.#offsetMs = beat.nowMs - nowMs;
    await this.#options.onBeat?.(beat);
    return beat;
  }

  async #tick(): Promise<void> {
    const { leaseMs, clock, log } = this.#options;
    let nextMs = leaseMs / 4;
    try {
      const beat = await this.beat();
      this.#failing = false;
      if (clock.monotonic() - this.#steadySinceMs >= leaseMs) await this.#sweep(beat);
    } catch (error) {
      if (!this.#failing) log.warn('heartbeat failed', { error });
      this.#failing = true;
      nextMs = Math.min(nextMs, 500);
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#tick(), nextMs);
    this.#timer.unref();
  }

  async #sweep(beat: Beat): Promise<void> {
    for (const process of beat.silent) {
      if (process === this.#options.process || this.#stopped) continue;
      await this.#closeAllOf(process, beat.incarnation);
    }
  }

  async #closeAllOf(process: string, incarnation: string): Promise<void> {
    const { store, log } = this.#options;
    let closed = 0;
    for (;;) {
      const open = await store.openOfSilent(process);
      if (open.length === 0) break;
      for (let at = 0; at < open.length; at += settlementsPerCall) {
        const batch = open
          .slice(at, at + settlementsPerCall)
          .map((record) => lostSettlement(record, incarnation));
        const results = await store.settleSilent(process, batch);
        if (!results) return;
        closed += results.filter(Boolean).length;
      }
    }
    if (closed > 0) log.warn('closed the requests of a silent process as lost', { process, closed });
  }
}
