import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { RateLimitSnapshot, SnapshotStore, SharedSnapshot } from './rate-limit-snapshot.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { shifted } from './snapshot-text.ts';
import type { KeyQuota } from './key-quota.ts';

const everyMs = 1_000;

export interface SharedReadingsOptions {
  store: SnapshotStore;
  /** By the hash of the key. */
  rooms: ReadonlyMap<string, KeyQuota>;
  isWaiting: () => boolean;
  storeNowMs: () => number;
  clock: Clock;
  log: Log;
}

/**
 * Tells other processes what this one read of the upstream's keys, and hears what they did: once a second while there
 * is traffic, and never on a request's way. A store that does not answer means knowing less, nothing else.
 */
export class SharedSnapshots {
  readonly #options: SharedReadingsOptions;
  /** Of each key the newest reading that was shared: when it came, by our clock and by the store's. */
  readonly #shared = new Map<string, { atMs: number; storeAtMs: number }>();
  #sent = 0;
  #sharing = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SharedReadingsOptions) {
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
    const { rooms, isWaiting, log } = this.#options;
    let sent = 0;
    for (const room of rooms.values()) sent += room.sent;
    if (this.#sharing || (sent === this.#sent && !isWaiting() && !this.#hasNews())) return;
    this.#sent = sent;
    this.#sharing = true;
    try {
      await this.#share();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) log.error('sharing readings failed', { error });
    } finally {
      this.#sharing = false;
    }
  }

  async #share(): Promise<void> {
    const { store, rooms, storeNowMs, clock } = this.#options;
    const aheadMs = storeNowMs() - clock.monotonic();
    const news: SharedSnapshot[] = [];
    const told = new Map<string, { atMs: number; storeAtMs: number }>();
    for (const [keyHash, room] of rooms) {
      const own = this.#own(keyHash, room);
      if (!own) continue;
      const storeAtMs = Math.ceil(own.atMs + aheadMs);
      news.push({ keyHash, reading: { ...shifted(own, aheadMs), atMs: storeAtMs } });
      told.set(keyHash, { atMs: own.atMs, storeAtMs });
    }
    const newest = await store.share([...rooms.keys()], news);
    for (const [keyHash, own] of told) this.#shared.set(keyHash, own);
    for (const { keyHash, reading } of newest) {
      // One's own comes back as well, and says less than has been counted since.
      if (this.#shared.get(keyHash)?.storeAtMs === reading.atMs) continue;
      const heard = shifted(reading, -aheadMs);
      this.#shared.set(keyHash, { atMs: heard.atMs, storeAtMs: reading.atMs });
      rooms.get(keyHash)?.hear(heard);
    }
  }

  /** An answer may come long after its request, and be the last. */
  #hasNews(): boolean {
    return [...this.#options.rooms].some(([keyHash, room]) => this.#own(keyHash, room) !== null);
  }

  #own(keyHash: string, room: KeyQuota): RateLimitSnapshot | null {
    return room.newsSince(this.#shared.get(keyHash)?.atMs ?? 0);
  }
}
