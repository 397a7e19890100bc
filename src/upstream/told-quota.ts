/** What is left of one of an inference key's limits. */
export interface LimitWindow {
  remaining: number;
  /** Of a whole window; Infinity if it is not known. */
  limit: number;
  /** When the next window begins. */
  resetAtMs: number;
}

/** What is known of a key's quota. All times are by one clock, ms. */
export interface RateLimitSnapshot {
  /** When the upstream said so. */
  atMs: number;
  /** A 429 has said to send nothing before then. */
  blockedUntilMs: number;
  requests: LimitWindow | null;
  tokens: LimitWindow | null;
}

/** A snapshot, and the team whose request it answered. */
export type ToldSnapshot = RateLimitSnapshot & { team: string };

/** After a wait, so many requests are sent at a time until an answer says what is left: not all at once. */
const trickle = { requests: 10, everyMs: 100 };

/** What a key has left by the answers to one team, less what was sent since by anyone. Time is an argument. */
export class ToldQuota {
  readonly team: string;
  /** Null: it is not known that anything is used up. */
  known: RateLimitSnapshot | null = null;
  /** When an answer to this team said anything of the key. */
  toldAtMs = 0;
  /** Since when it has nothing left, as far as anyone looked; null: it has. */
  exhaustedSinceMs: number | null = null;
  /** How many requests had been sent at its last 429. */
  #sentWhenLimited = 0;

  constructor(team: string) {
    this.team = team;
  }

  recordSent(tokens: number): void {
    const { known } = this;
    if (known?.requests) known.requests.remaining -= 1;
    if (known?.tokens) known.tokens.remaining -= tokens;
  }

  /** How many requests of so many tokens can be sent now; Infinity if that is not known. */
  remaining(nowMs: number, tokens: number): number {
    const remaining = this.#remaining(nowMs, tokens);
    if (remaining > 0) this.exhaustedSinceMs = null;
    else this.exhaustedSinceMs ??= nowMs;
    return remaining;
  }

  #remaining(nowMs: number, tokens: number): number {
    const { known } = this;
    if (known === null) return Infinity;
    if (known.blockedUntilMs > nowMs || lacksTokens(known.tokens, nowMs, tokens)) return 0;
    const { requests } = known;
    if (requests === null) return Infinity;
    if (nowMs < requests.resetAtMs) return Math.max(0, requests.remaining);
    // A new window. If the last one was used up, others have waited for this one.
    known.requests = requests.remaining > 0 ? null : trickleOf(requests, nowMs);
    return known.requests?.remaining ?? Infinity;
  }

  /** When there should be quota for a request that has none now. */
  availableAtMs(nowMs: number, tokens: number): number {
    const { known } = this;
    if (known === null) return nowMs;
    const { requests, tokens: ofTokens, blockedUntilMs } = known;
    return Math.max(
      nowMs,
      blockedUntilMs,
      requests && requests.remaining <= 0 ? requests.resetAtMs : 0,
      ofTokens && lacksTokens(ofTokens, nowMs, tokens) ? ofTokens.resetAtMs : 0,
    );
  }

  /** Whether a 429 came after another team's request was sent, so that what answers that is old. */
  isNewer(atMs: number, { ordinal, team }: { ordinal: number; team: string }): boolean {
    const blockedUntilMs = this.known?.blockedUntilMs ?? 0;
    return this.team !== team && blockedUntilMs > atMs && ordinal <= this.#sentWhenLimited;
  }

  recordSnapshot(snapshot: RateLimitSnapshot): void {
    this.toldAtMs = snapshot.atMs;
    this.known = { ...snapshot, blockedUntilMs: this.known?.blockedUntilMs ?? 0 };
  }

  recordAccepted(nowMs: number, ordinal: number): void {
    const { known } = this;
    if (known === null || known.blockedUntilMs <= nowMs || ordinal <= this.#sentWhenLimited) return;
    const { requests } = known;
    const opened = requests && requests.remaining <= 0 ? trickleOf(requests, nowMs) : requests;
    this.known = { ...known, atMs: nowMs, blockedUntilMs: 0, requests: opened };
  }

  recordRateLimited(nowMs: number, { untilMs, sent }: { untilMs: number; sent: number }): void {
    this.#sentWhenLimited = sent;
    this.toldAtMs = nowMs;
    const blockedUntilMs = Math.max(untilMs, this.known?.blockedUntilMs ?? 0);
    const limit = this.known?.requests?.limit ?? Infinity;
    this.known = {
      atMs: nowMs,
      blockedUntilMs,
      requests: { remaining: 0, limit, resetAtMs: blockedUntilMs },
      tokens: this.known?.tokens ?? null,
    };
  }
}

/** What may be sent in the next moment after a wait. */
function trickleOf({ limit }: LimitWindow, nowMs: number): LimitWindow {
  return { limit, remaining: Math.min(trickle.requests, limit), resetAtMs: nowMs + trickle.everyMs };
}

/** A large request waits for half a window's tokens at most: a busy key never has more. */
function lacksTokens(left: LimitWindow | null, nowMs: number, tokens: number): boolean {
  return left !== null && nowMs < left.resetAtMs && left.remaining < Math.min(tokens, left.limit / 2);
}
