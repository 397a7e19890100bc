import { unaudited, type AuditedWork } from '../audit/audit.ts';
import type { ClaimState, ClaimStore, SealedClaim } from './claim.ts';
import type { Clock } from '../base/clock.ts';
import { claimChange } from './claim-change.ts';

interface Kept {
  /** Null once it was opened. */
  sealed: string | null;
  openedAtMs: number;
  untilMs: number;
}

const memoryMs = 86_400_000;

/** Sealed tokens in this process; behaves as the Redis store does. */
export class MemoryClaimStore implements ClaimStore {
  readonly #clock: Clock;
  readonly #changes: AuditedWork;
  readonly #claims = new Map<string, Kept>();

  constructor(clock: Clock, changes: AuditedWork = unaudited) {
    this.#clock = clock;
    this.#changes = changes;
  }

  async put(codeHash: string, claim: SealedClaim): Promise<number> {
    const nowMs = this.#nowMs();
    for (const [other, { untilMs }] of this.#claims) if (nowMs >= untilMs) this.#claims.delete(other);
    const untilMs = nowMs + claim.livesMs;
    this.#changes.make(claimChange(claim), () => {
      this.#claims.set(codeHash, { sealed: claim.sealed, openedAtMs: 0, untilMs });
      return 'created';
    });
    return untilMs;
  }

  async look(codeHash: string): Promise<ClaimState> {
    const kept = this.#find(codeHash);
    if (!kept) return { kind: 'none' };
    const { sealed, openedAtMs: atMs, untilMs: expiresAtMs } = kept;
    return sealed === null ? { kind: 'opened', atMs } : { kind: 'waiting', expiresAtMs };
  }

  async open(codeHash: string): ReturnType<ClaimStore['open']> {
    const kept = this.#find(codeHash);
    if (!kept) return { kind: 'none' };
    const { sealed, openedAtMs: atMs } = kept;
    if (sealed === null) return { kind: 'opened', atMs };
    const nowMs = this.#nowMs();
    this.#claims.set(codeHash, { sealed: null, openedAtMs: nowMs, untilMs: nowMs + memoryMs });
    return { kind: 'sealed', sealed };
  }

  #find(codeHash: string): Kept | undefined {
    const kept = this.#claims.get(codeHash);
    return kept && this.#nowMs() < kept.untilMs ? kept : undefined;
  }

  #nowMs(): number {
    return Math.floor(this.#clock.now());
  }
}
