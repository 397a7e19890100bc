import { type LimitWindow, type RateLimitSnapshot, ToldQuota, type ToldSnapshot } from './told-quota.ts';

/** If a probe brings no answer for so long, another of its team may follow. */
const probeMs = 30_000;
/** How long other teams wait because of what only one was told; then each finds out by a request of its own. */
const hearsayMs = 2_000;
/** For so long a team's word that there is quota holds against another's that there is none. */
const freshMs = 60_000;

/**
 * What a key has left, as far as this process knows: what the upstream said last, less what was sent since. What only one
 * team was told keeps others waiting for 2 s at most: it may be about that team's requests alone. So the answers to the last
 * two teams are kept, and where the later one says that nothing is left, the other counts for everyone else. Time is an
 * argument.
 */
export class KeyQuota {
  /** What the last answer said, and what the last one to another team did. */
  #latest: ToldQuota | null = null;
  #other: ToldQuota | null = null;
  /** How many requests were sent in all. */
  sent = 0;
  /** The last of them that an answer has counted. */
  #counted = 0;
  /** The upstream's last figures were not zero; only what was sent since may have used them up. */
  #saidSome = true;
  /** The last figure for requests, and whether it has ever been another. */
  #said: number | null = null;
  #changes = false;
  /** Until when a team's probe is awaited. */
  readonly #probes = new Map<string, number>();

  /** Counts a request that is being sent. Returns its number among all. */
  recordSent(tokens: number): number {
    this.sent += 1;
    this.#latest?.recordSent(tokens);
    this.#other?.recordSent(tokens);
    return this.sent;
  }

  /** How many requests of so many tokens a team can send now; Infinity if that is not known. */
  remaining(nowMs: number, tokens: number, team = ''): number {
    const latest = this.#latest;
    if (latest === null) return Infinity;
    const remaining = latest.remaining(nowMs, tokens);
    if (remaining > 0 || latest.team === team) return remaining;
    const sinceMs = latest.exhaustedSinceMs ?? nowMs;
    const other = this.#otherWord(sinceMs);
    if (other !== null) return other.remaining(nowMs, tokens);
    return nowMs < sinceMs + hearsayMs ? 0 : Infinity;
  }

  /** When there should be quota for a team's request that has none now. */
  availableAtMs(nowMs: number, tokens: number, team = ''): number {
    const latest = this.#latest;
    if (latest === null) return nowMs;
    const atMs = latest.availableAtMs(nowMs, tokens);
    if (atMs === nowMs || latest.team === team) return atMs;
    const sinceMs = latest.exhaustedSinceMs ?? nowMs;
    const other = this.#otherWord(sinceMs);
    return Math.min(atMs, other === null ? sinceMs + hearsayMs : other.availableAtMs(nowMs, tokens));
  }

  /** What another team than the last was told, unless that was long before. */
  #otherWord(sinceMs: number): ToldQuota | null {
    return this.#other !== null && this.#other.toldAtMs >= sinceMs - freshMs ? this.#other : null;
  }

  /** Whether the answer to a request under way may say that there is quota before that. */
  mayBeAvailableSooner(nowMs: number): boolean {
    const blockedUntilMs = this.#latest?.known?.blockedUntilMs ?? 0;
    return this.#saidSome && blockedUntilMs <= nowMs && this.sent > this.#counted;
  }

  /** Whether only another team was told that nothing is left. */
  isDoubted(nowMs: number, tokens: number, team: string): boolean {
    const latest = this.#latest;
    return latest !== null && latest.team !== team && latest.remaining(nowMs, tokens) === 0;
  }

  /** Records what the answer to a team's request says. An answer that a later one has overtaken says nothing new. */
  recordSnapshot(snapshot: RateLimitSnapshot, ordinal: number, team = ''): void {
    if (ordinal < this.#counted || this.#latest?.isNewer(snapshot.atMs, { ordinal, team })) return;
    this.#counted = ordinal;
    this.#saidSome = snapshot.requests?.remaining !== 0 && snapshot.tokens?.remaining !== 0;
    // The upstream may not have counted those under way.
    const underWay = this.sent - ordinal;
    const said = snapshot.requests && this.#isCounted(snapshot.requests) ? snapshot.requests : null;
    const requests = said && { ...said, remaining: said.remaining - underWay };
    this.#told(team).recordSnapshot({ ...snapshot, requests });
  }

  /** An upstream that says the same in every answer, with most of the limit left, does not count. */
  #isCounted({ remaining, limit }: LimitWindow): boolean {
    this.#changes ||= this.#said !== null && this.#said !== remaining;
    this.#said = remaining;
    return this.#changes || remaining <= limit / 2;
  }

  /**
   * Whether a request may be sent although there is no quota for longer than any request may wait. One at a time of each
   * team probes whether that is still so, since no other would find out.
   */
  mayProbe(nowMs: number, team = ''): boolean {
    if (nowMs < (this.#probes.get(team) ?? 0)) return false;
    this.#probes.set(team, nowMs + probeMs);
    return true;
  }

  /** An answer came, or none will: another request of the team may probe. */
  endProbe(team = ''): void {
    if (this.#probes.size > 0) this.#probes.delete(team);
  }

  /** Records that a team's request was not refused for its rate: the wait that an earlier 429 asked of it is over. */
  recordAccepted(nowMs: number, ordinal: number, team = ''): void {
    if (this.#latest === null) return;
    if (this.#latest.team === team) {
      this.#latest.recordAccepted(nowMs, ordinal);
      return;
    }
    // Another team was told something, and this one's request was taken all the same.
    if (this.#other?.team !== team) this.#other = new ToldQuota(team);
    this.#other.recordAccepted(nowMs, ordinal);
    this.#other.toldAtMs = nowMs;
  }

  /** Records a 429 to a team: there is no quota before then. */
  recordRateLimited(nowMs: number, untilMs: number, team = ''): void {
    this.#told(team).recordRateLimited(nowMs, { untilMs, sent: this.sent });
  }

  /** The snapshot, if it is newer than `afterMs`. */
  snapshotSince(afterMs: number): ToldSnapshot | null {
    const { known = null, team = '' } = this.#latest ?? {};
    return known !== null && known.atMs > afterMs ? { ...known, team } : null;
  }

  /** Takes over what another process was told, if it is newer. */
  adopt({ team, ...snapshot }: ToldSnapshot): void {
    if (snapshot.atMs <= (this.#latest?.known?.atMs ?? 0)) return;
    const told = this.#told(team);
    told.known = snapshot;
    told.toldAtMs = snapshot.atMs;
  }

  /** What a team was told, as the latest word. */
  #told(team: string): ToldQuota {
    if (this.#latest?.team === team) return this.#latest;
    const told = this.#other?.team === team ? this.#other : new ToldQuota(team);
    this.#other = this.#latest;
    this.#latest = told;
    return told;
  }
}
