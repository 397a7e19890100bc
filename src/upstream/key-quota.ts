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

/** After a wait, so many requests are sent at a time until an answer says what is left: not all at once. */
const trickle = { requests: 10, everyMs: 100 };

/** If a probe brings no answer for so long, another may follow. */
const probeMs = 30_000;

/**
 * What a key has left, as far as this process knows: what the upstream said last, less what was sent since. Time is an
 * argument.
 */
export class KeyQuota {
  #known: RateLimitSnapshot | null = null;
  /** How many requests were sent in all. */
  sent = 0;
  /** The last of them that an answer has counted. */
  #counted = 0;
  /** How many had been sent at the last 429. */
  #sentWhenLimited = 0;
  /** The upstream's last figures were not zero; only what was sent since may have used them up. */
  #saidSome = true;
  /** The last figure for requests, and whether it has ever been another. */
  #said: number | null = null;
  #changes = false;
  #probeUntilMs = 0;

  /** Counts a request that is being sent. Returns its number among all. */
  recordSent(tokens: number): number {
    this.sent += 1;
    const known = this.#known;
    if (known?.requests) known.requests.remaining -= 1;
    if (known?.tokens) known.tokens.remaining -= tokens;
    return this.sent;
  }

  /** How many requests of so many tokens can be sent now; Infinity if that is not known. */
  remaining(nowMs: number, tokens: number): number {
    const known = this.#known;
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

  /** Whether the answer to a request under way may say that there is quota before that. */
  mayBeAvailableSooner(nowMs: number): boolean {
    return this.#saidSome && (this.#known?.blockedUntilMs ?? 0) <= nowMs && this.sent > this.#counted;
  }

  /** Records what the answer to a request says. An answer that a later one has overtaken says nothing new. */
  recordSnapshot(snapshot: RateLimitSnapshot, ordinal: number): void {
    if (ordinal < this.#counted) return;
    this.#counted = ordinal;
    this.#saidSome = snapshot.requests?.remaining !== 0 && snapshot.tokens?.remaining !== 0;
    // The upstream may not have counted those under way.
    const underWay = this.sent - ordinal;
    const said = snapshot.requests && this.#isCounted(snapshot.requests) ? snapshot.requests : null;
    const requests = said && { ...said, remaining: said.remaining - underWay };
    this.#known = { ...snapshot, requests, blockedUntilMs: this.#known?.blockedUntilMs ?? 0 };
  }

  /** An upstream that says the same in every answer, with most of the limit left, does not count. */
  #isCounted({ remaining, limit }: LimitWindow): boolean {
    this.#changes ||= this.#said !== null && this.#said !== remaining;
    this.#said = remaining;
    return this.#changes || remaining <= limit / 2;
  }

  /**
   * Whether a request may be sent although there is no quota for longer than any request may wait. One at a time probes
   * whether that is still so, since no other would find out.
   */
  mayProbe(nowMs: number): boolean {
    if (nowMs < this.#probeUntilMs) return false;
    this.#probeUntilMs = nowMs + probeMs;
    return true;
  }

  /** An answer came, or none will: another request may probe. */
  endProbe(): void {
    this.#probeUntilMs = 0;
  }

  /** Records that a request was not refused for its rate: the wait that an earlier 429 asked for is over. */
  recordAccepted(nowMs: number, ordinal: number): void {
    const known = this.#known;
    if (known === null || known.blockedUntilMs <= nowMs || ordinal <= this.#sentWhenLimited) return;
    const { requests } = known;
    const opened = requests && requests.remaining <= 0 ? trickleOf(requests, nowMs) : requests;
    this.#known = { ...known, atMs: nowMs, blockedUntilMs: 0, requests: opened };
  }

  /** Records a 429: there is no quota before then. */
  recordRateLimited(nowMs: number, untilMs: number): void {
    this.#sentWhenLimited = this.sent;
    const blockedUntilMs = Math.max(untilMs, this.#known?.blockedUntilMs ?? 0);
    const limit = this.#known?.requests?.limit ?? Infinity;
    this.#known = {
      atMs: nowMs,
      blockedUntilMs,
      requests: { remaining: 0, limit, resetAtMs: blockedUntilMs },
      tokens: this.#known?.tokens ?? null,
    };
  }

  /** The snapshot, if it is newer than `afterMs`. */
  snapshotSince(afterMs: number): RateLimitSnapshot | null {
    return this.#known !== null && this.#known.atMs > afterMs ? this.#known : null;
  }

  /** Takes over what another process was told, if it is newer. */
  adopt(snapshot: RateLimitSnapshot): void {
    if (snapshot.atMs > (this.#known?.atMs ?? 0)) this.#known = snapshot;
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
