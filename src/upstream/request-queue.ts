import type { Clock } from '../base/clock.ts';
import type { KeyQuota } from './key-quota.ts';

/** A request that waits for quota. Times are monotonic, ms. */
export interface QueuedRequest {
  readonly team: string;
  readonly deadlineMs: number;
  /** Whether it could be sent now. */
  ready(nowMs: number): boolean;
  send(): void;
  /** Its time is up. */
  expire(): void;
}

const tickMs = 50;

/** A bounded queue that serves teams in turn, and each team in the order of arrival. */
export class FairQueue<T extends { readonly team: string }> {
  size = 0;
  readonly #max: number;
  readonly #maxOfTeam: number;
  /** In the order of their turns: a team that was served goes to the end. */
  readonly #teams = new Map<string, T[]>();

  constructor({ max, maxOfTeam }: { max: number; maxOfTeam: number }) {
    this.#max = max;
    this.#maxOfTeam = maxOfTeam;
  }

  /** Whether there is space for one more of a team. */
  hasSpace(team: string): boolean {
    return this.size < this.#max && (this.#teams.get(team)?.length ?? 0) < this.#maxOfTeam;
  }

  add(item: T): void {
    const line = this.#teams.get(item.team);
    if (line) line.push(item);
    else this.#teams.set(item.team, [item]);
    this.size += 1;
  }

  /** Takes an item out, wherever it stands. */
  remove(item: T): void {
    const line = this.#teams.get(item.team);
    const at = line?.indexOf(item) ?? -1;
    if (!line || at < 0) return;
    line.splice(at, 1);
    this.size -= 1;
    if (line.length === 0) this.#teams.delete(item.team);
  }

  /** Takes out the next item that is ready; null if none is. */
  take(ready: (item: T) => boolean): T | null {
    for (const [team, line] of this.#teams) {
      const item = line.find(ready);
      if (item === undefined) continue;
      this.remove(item);
      if (line.length > 0) {
        this.#teams.delete(team);
        this.#teams.set(team, line);
      }
      return item;
    }
    return null;
  }

  /** A copy of all items. */
  all(): T[] {
    return [...this.#teams.values()].flat();
  }
}

/** Where requests wait while no key has quota for them: bounded, teams in turn. No timer runs while nobody waits. */
export class RequestQueue extends FairQueue<QueuedRequest> {
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | null = null;

  constructor({ clock, ...bounds }: { clock: Clock; max: number; maxOfTeam: number }) {
    super(bounds);
    this.#clock = clock;
  }

  /** Adds a request. The function returned takes it out again. */
  enter(request: QueuedRequest): () => void {
    this.add(request);
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
    return () => {
      this.remove(request);
      this.#stopWhenEmpty();
    };
  }

  /** Sends all that there is quota for, teams in turn. */
  serve(): void {
    if (this.size === 0) return;
    const nowMs = this.#clock.monotonic();
    const ready = (request: QueuedRequest): boolean => request.ready(nowMs);
    for (let next = this.take(ready); next; next = this.take(ready)) next.send();
    this.#stopWhenEmpty();
  }

  #tick(): void {
    this.serve();
    const nowMs = this.#clock.monotonic();
    for (const request of this.all()) {
      if (nowMs < request.deadlineMs) continue;
      this.remove(request);
      request.expire();
    }
    this.#stopWhenEmpty();
  }

  #stopWhenEmpty(): void {
    if (this.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** How long one request may wait for quota, over all its waits. Time is an argument. */
export class WaitBudget {
  readonly #maxMs: number;
  /** Set by the first wait. */
  #untilMs: number | null = null;

  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  /** Whether there may be quota for a request before the time is up. */
  covers(quota: KeyQuota, nowMs: number, { tokens, team }: { tokens: number; team: string }): boolean {
    const untilMs = this.#untilMs ?? nowMs + this.#maxMs;
    if (nowMs >= untilMs) return false;
    return quota.availableAtMs(nowMs, tokens, team) < untilMs || quota.mayBeAvailableSooner(nowMs);
  }

  /** Begins to count with the first call. Returns until when to wait. */
  start(nowMs: number): number {
    this.#untilMs ??= nowMs + this.#maxMs;
    return this.#untilMs;
  }
}
