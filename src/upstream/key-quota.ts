import type { RateLimitSnapshot, Left } from './rate-limit-snapshot.ts';

/** After a gap, so many are sent at a time until an answer tells what there is room for: not everybody at once. */
const trickle = { requests: 10, everyMs: 100 };

/** How long a request that finds out is waited for before another one may. */
const findingOutMs = 30_000;

/**
 * The room that a key has, as far as this process knows: what the upstream said last, less what was sent since. The
 * state takes the time as an argument and keeps none of its own.
 */
export class KeyQuota {
  #known: RateLimitSnapshot | null = null;
  /** How many were sent in all, and up to which of them the upstream has counted. */
  #sent = 0;
  #counted = 0;
  /** How many had been sent when one was last refused for the rate. */
  #sentWhenLimited = 0;
  /** The upstream itself has said that there is room: only what was sent since says otherwise. */
  #saidRoom = true;
  /** What it said last of requests, and whether it has ever said anything else. */
  #said: number | null = null;
  #moves = false;
  /** Until then a request that finds out is waited for. */
  #foundOutByMs = 0;

  /** How many were sent in all. */
  get sent(): number {
    return this.#sent;
  }

  /** Counts one down that is being sent; the number it has among all. */
  take(tokens: number): number {
    this.#sent += 1;
    const known = this.#known;
    if (known?.requests) known.requests.remaining -= 1;
    if (known?.tokens) known.tokens.remaining -= tokens;
    return this.#sent;
  }

  /** How many requests fit now; Infinity where that is not known. */
  left(nowMs: number, tokens: number): number {
    const known = this.#known;
    if (known === null) return Infinity;
    if (known.blockedUntilMs > nowMs || lacksTokens(known.tokens, nowMs, tokens)) return 0;
    const { requests } = known;
    if (requests === null) return Infinity;
    if (nowMs < requests.resetAtMs) return Math.max(0, requests.remaining);
    // A new window. Where the last one was used up there are others who have waited for it.
    known.requests = requests.remaining > 0 ? null : byLittle(requests, nowMs);
    return known.requests?.remaining ?? Infinity;
  }

  /** When a request may fit that does not now. */
  opensAtMs(nowMs: number, tokens: number): number {
    const known = this.#known;
    if (known === null) return nowMs;
    const { requests, tokens: ofTokens, blockedUntilMs } = known;
    return Math.max(
      nowMs,
      blockedUntilMs,
      requests && requests.remaining <= 0 ? requests.resetAtMs : 0,
      ofTokens && lacksTokens(ofTokens, nowMs, tokens) ? ofTokens.resetAtMs : 0,
    );
  }

  /** Whether the answer to a request under way may tell of room before that. */
  mayOpenSooner(nowMs: number): boolean {
    return this.#saidRoom && (this.#known?.blockedUntilMs ?? 0) <= nowMs && this.#sent > this.#counted;
  }

  /** Takes what the upstream said in answer to the `taken`-th request; an answer overtaken by another says nothing new. */
  read(reading: RateLimitSnapshot, taken: number): void {
    if (taken < this.#counted) return;
    this.#counted = taken;
    this.#saidRoom = reading.requests?.remaining !== 0 && reading.tokens?.remaining !== 0;
    // Those under way it may not have counted yet.
    const underWay = this.#sent - taken;
    const said = reading.requests && this.#heeds(reading.requests) ? reading.requests : null;
    const requests = said && { ...said, remaining: said.remaining - underWay };
    this.#known = {
      ...reading,
      requests,
      blockedUntilMs: this.#known?.blockedUntilMs ?? 0,
    };
  }

  /** Not where most is left and the figure has never moved: who says the same in every answer counts nothing. */
  #heeds({ remaining, limit }: Left): boolean {
    this.#moves ||= this.#said !== null && this.#said !== remaining;
    this.#said = remaining;
    return this.#moves || remaining <= limit / 2;
  }

  /**
   * Whether a request may be sent although none fits, for longer than anybody waits: one at a time finds out whether
   * that is still so, since nobody else would.
   */
  findsOut(nowMs: number): boolean {
    if (nowMs < this.#foundOutByMs) return false;
    this.#foundOutByMs = nowMs + findingOutMs;
    return true;
  }

  /** An answer came, or none will. */
  answered(): void {
    this.#foundOutByMs = 0;
  }

  /** The upstream has answered the `taken`-th request: had it refused an earlier one for its rate, that is over. */
  allowed(nowMs: number, taken: number): void {
    const known = this.#known;
    if (known === null || known.blockedUntilMs <= nowMs || taken <= this.#sentWhenLimited) return;
    const { requests } = known;
    const opened = requests && requests.remaining <= 0 ? byLittle(requests, nowMs) : requests;
    this.#known = { ...known, atMs: nowMs, blockedUntilMs: 0, requests: opened };
  }

  /** The upstream refused a request for its rate: nothing fits before then. */
  limited(nowMs: number, untilMs: number): void {
    this.#sentWhenLimited = this.#sent;
    const blockedUntilMs = Math.max(untilMs, this.#known?.blockedUntilMs ?? 0);
    const limit = this.#known?.requests?.limit ?? Infinity;
    this.#known = {
      atMs: nowMs,
      blockedUntilMs,
      requests: { remaining: 0, limit, resetAtMs: blockedUntilMs },
      tokens: this.#known?.tokens ?? null,
    };
  }

  /** What there is to tell others that is newer than `afterMs`. */
  newsSince(afterMs: number): RateLimitSnapshot | null {
    return this.#known !== null && this.#known.atMs > afterMs ? this.#known : null;
  }

  /** Takes over what another process was told, where that is newer. */
  hear(reading: RateLimitSnapshot): void {
    if (reading.atMs > (this.#known?.atMs ?? 0)) this.#known = reading;
  }
}

/** The room after a gap, for the next moment. */
function byLittle({ limit }: Left, nowMs: number): Left {
  return { limit, remaining: Math.min(trickle.requests, limit), resetAtMs: nowMs + trickle.everyMs };
}

/** What is large waits for half a window's tokens at most: on a busy key there are never more. */
function lacksTokens(left: Left | null, nowMs: number, tokens: number): boolean {
  return left !== null && nowMs < left.resetAtMs && left.remaining < Math.min(tokens, left.limit / 2);
}
