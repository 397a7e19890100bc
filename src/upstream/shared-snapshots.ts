import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { KeyQuota } from './key-quota.ts';
import type { LimitWindow, ToldSnapshot } from './told-quota.ts';
import type { SharedSnapshot, ShareSnapshots } from './snapshot-store.ts';

const everyMs = 1_000;

export interface SharedSnapshotsOptions {
  share: ShareSnapshots;
  /** By the hash of the key. */
  quotas: ReadonlyMap<string, KeyQuota>;
  isWaiting: () => boolean;
  storeNowMs: () => number;
  clock: Clock;
  log: Log;
}

/**
 * Shares with other processes what the upstream says of the keys' quotas: once a second while there is traffic, and never
 * while a request waits. If the store does not answer, a process only knows less.
 */
export class SharedSnapshots {
  readonly #options: SharedSnapshotsOptions;
  /** When the newest shared snapshot of each key was taken, by our clock and by the store's. */
  readonly #shared = new Map<string, { atMs: number; storeAtMs: number }>();
  #sent = 0;
  #sharing = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SharedSnapshotsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#tick(), everyMs).unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #tick(): Promise<void> {
    const { quotas, isWaiting, log } = this.#options;
    let sent = 0;
    for (const quota of quotas.values()) sent += quota.sent;
    if (this.#sharing || (sent === this.#sent && !isWaiting() && !this.#hasNews())) return;
    this.#sent = sent;
    this.#sharing = true;
    try {
      await this.#share();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) log.error('sharing rate limits failed', { error });
    } finally {
      this.#sharing = false;
    }
  }

  async #share(): Promise<void> {
    const { share, quotas, storeNowMs, clock } = this.#options;
    const aheadMs = storeNowMs() - clock.monotonic();
    const news: SharedSnapshot[] = [];
    const told = new Map<string, { atMs: number; storeAtMs: number }>();
    for (const [keyHash, quota] of quotas) {
      const own = this.#own(keyHash, quota);
      if (!own) continue;
      const storeAtMs = Math.ceil(own.atMs + aheadMs);
      news.push({ keyHash, snapshot: { ...shifted(own, aheadMs), atMs: storeAtMs } });
      told.set(keyHash, { atMs: own.atMs, storeAtMs });
    }
    const newest = await share([...quotas.keys()], news);
    for (const [keyHash, own] of told) this.#shared.set(keyHash, own);
    for (const { keyHash, snapshot } of newest) {
      // Our own comes back as well; since then we have counted more.
      if (this.#shared.get(keyHash)?.storeAtMs === snapshot.atMs) continue;
      const heard = shifted(snapshot, -aheadMs);
      this.#shared.set(keyHash, { atMs: heard.atMs, storeAtMs: snapshot.atMs });
      quotas.get(keyHash)?.adopt(heard);
    }
  }

  /** An answer may come long after its request, and be the last. */
  #hasNews(): boolean {
    return [...this.#options.quotas].some(([keyHash, quota]) => this.#own(keyHash, quota) !== null);
  }

  #own(keyHash: string, quota: KeyQuota): ToldSnapshot | null {
    return quota.snapshotSince(this.#shared.get(keyHash)?.atMs ?? 0);
  }
}

/** A snapshot with its times on another clock, which is ahead by so much. */
export function shifted(snapshot: ToldSnapshot, byMs: number): ToldSnapshot {
  const moved = (window: LimitWindow | null): LimitWindow | null =>
    window && { ...window, resetAtMs: window.resetAtMs + byMs };
  return {
    team: snapshot.team,
    atMs: snapshot.atMs + byMs,
    blockedUntilMs: snapshot.blockedUntilMs + byMs,
    requests: moved(snapshot.requests),
    tokens: moved(snapshot.tokens),
  };
}
