import type { Clock } from '../base/clock.ts';
import {
  type MintBounds,
  type MintRequest,
  type MintResult,
  type Session,
  type SessionStore,
  storedBytes,
} from '../identity/records/session.ts';

interface Kept<Counter> {
  session: Session;
  secretHash: string;
  expiresAtMs: number;
  parent: Parent;
  bytes: number;
  counters: Map<string, Counter>;
}

/** A parent's sessions that are alive, and how many it made this minute. */
interface Parent {
  live: Set<string>;
  bytes: number;
  minute: number;
  count: number;
  team: string;
  token: string;
}

export interface MemorySessionOptions {
  clock: Clock;
  /** The team's epoch, from the memory identity store; null when there is no such team. */
  epochOf: (team: string) => string | null;
  bounds: MintBounds;
}

/** Sessions in this process; behaves as the Redis store does. `Counter` is whatever admission keeps beside one. */
export class MemorySessionStore<Counter> implements SessionStore {
  readonly #options: MemorySessionOptions;
  readonly #sessions = new Map<string, Kept<Counter>>();
  readonly #parents = new Map<string, Parent>();
  #sweptMinute = -1;
  readonly #exchanged = new Map<string, { count: number; untilMs: number }>();

  constructor(options: MemorySessionOptions) {
    this.#options = options;
  }

  /** A session that is alive; null otherwise. */
  find(id: string): (Kept<Counter> & { team: string; token: string }) | null {
    const kept = this.#sessions.get(id);
    if (!kept) return null;
    if (this.#nowMs() >= kept.expiresAtMs) {
      this.#forget(id, kept);
      return null;
    }
    return { ...kept, team: kept.parent.team, token: kept.parent.token };
  }

  async mint({ session, secretHash, expiresAtMs, parent: from }: MintRequest): Promise<MintResult> {
    const { epochOf, bounds } = this.#options;
    const nowMs = this.#nowMs();
    if (epochOf(from.team) !== from.epoch) return { kind: 'stale' };
    if (nowMs >= from.expiresAtMs) return { kind: 'expired' };
    this.#sweep(nowMs);
    const parent = this.#parentOf(from.team, from.token);
    this.#forgetExpired(parent, nowMs);

    const minute = Math.floor(nowMs / 60_000);
    const count = parent.minute === minute ? parent.count : 0;
    if (count >= bounds.perMinute) {
      const freeAtMs = (minute + 1) * 60_000;
      return { kind: 'too_many', bound: 'minute', max: bounds.perMinute, freeAtMs, nowMs };
    }
    const bytes = storedBytes(session, JSON.stringify(session));
    if (parent.bytes + bytes > bounds.maxBytes) {
      const freeAtMs = this.#firstExpiryMs(parent) ?? nowMs;
      return { kind: 'too_many', bound: 'room', max: bounds.maxBytes, freeAtMs, nowMs };
    }
    this.#sessions.set(session.id, { session, secretHash, expiresAtMs, parent, bytes, counters: new Map() });
    parent.live.add(session.id);
    parent.bytes += bytes;
    parent.minute = minute;
    parent.count = count + 1;
    return { kind: 'minted' };
  }

  async end(id: string): Promise<boolean> {
    const found = this.find(id);
    if (found) this.#forget(id, found);
    return found !== null;
  }

  async countExchange(replayKey: string, untilMs: number): Promise<number> {
    this.#sweep(this.#nowMs());
    const count = (this.#exchanged.get(replayKey)?.count ?? 0) + 1;
    this.#exchanged.set(replayKey, { count, untilMs });
    return count;
  }

  async endAll({ team, token }: { team: string; token: string }): Promise<number> {
    const alive = [...this.#parentOf(team, token).live].filter((id) => this.find(id) !== null);
    for (const id of alive) await this.end(id);
    return alive.length;
  }

  /** Once a minute what has expired goes, whoever made it: nothing expires by itself here. */
  #sweep(nowMs: number): void {
    const minute = Math.floor(nowMs / 60_000);
    if (minute === this.#sweptMinute) return;
    this.#sweptMinute = minute;
    for (const [place, parent] of this.#parents) {
      this.#forgetExpired(parent, nowMs);
      if (parent.live.size === 0 && parent.minute !== minute) this.#parents.delete(place);
    }
    for (const [key, { untilMs }] of this.#exchanged) if (nowMs >= untilMs) this.#exchanged.delete(key);
  }

  #forgetExpired(parent: Parent, nowMs: number): void {
    for (const id of parent.live) {
      const kept = this.#sessions.get(id);
      if (kept && nowMs >= kept.expiresAtMs) this.#forget(id, kept);
    }
  }

  #forget(id: string, { parent, bytes }: Kept<Counter>): void {
    this.#sessions.delete(id);
    parent.live.delete(id);
    parent.bytes -= bytes;
  }

  #firstExpiryMs({ live }: Parent): number | null {
    const expiries = [...live].map((id) => this.#sessions.get(id)?.expiresAtMs ?? Infinity);
    return expiries.length > 0 ? Math.min(...expiries) : null;
  }

  #parentOf(team: string, token: string): Parent {
    const place = `${team}/${token}`;
    let parent = this.#parents.get(place);
    if (!parent) {
      parent = { live: new Set(), bytes: 0, minute: -1, count: 0, team, token };
      this.#parents.set(place, parent);
    }
    return parent;
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.now());
  }
}
