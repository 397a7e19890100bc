import type { Actor } from '../base/actor.ts';
import { noRetry, Refusal, retryAfter, secondsUntil } from '../base/refusal.ts';
import { type ChangeBounds, changeBoundsOf, holdersChanges } from '../identity/records/bounds.ts';
import type { ChangeCounter } from '../identity/store/change-counter.ts';

/** Bounds how often somebody changes identities: each change takes room in the audit trail, which is never trimmed. */
export class ChangePace {
  readonly #counter: Pick<ChangeCounter, 'count'>;

  constructor(counter: Pick<ChangeCounter, 'count'>) {
    this.#counter = counter;
  }

  /** Counts a change of an administrator; the 429 if there were too many. Rejects with `StoreUnavailable`. */
  ofAdministrator(actor: Actor): Promise<Refusal | null> {
    const who = actor.kind === 'root' ? 'root' : actor.id;
    return this.#refusal(who, { scope: 'administrator', bounds: changeBoundsOf(actor) });
  }

  /** Counts a change that a holder of one of a team's tokens makes. Rejects with `StoreUnavailable`. */
  ofHolder(team: string): Promise<Refusal | null> {
    return this.#refusal(`team/${team}`, { scope: 'team', bounds: holdersChanges });
  }

  async #refusal(
    who: string,
    { scope, bounds }: { scope: string; bounds: ChangeBounds },
  ): Promise<Refusal | null> {
    const counted = await this.#counter.count(who, bounds);
    if (counted.kind === 'counted') return null;
    const { kind: window, max, freeAtMs, nowMs } = counted;
    const afterS = secondsUntil(freeAtMs, nowMs);
    const whose = scope === 'team' ? 'The holders of a team make' : 'An administrator of this role makes';
    const remedy = 'What revokes, suspends or deletes is not counted.';
    const message = `${whose} at most ${max} changes a ${window}. Try again in ${afterS} s. ${remedy}`;
    const limit = { scope, metric: 'changes', window, max, resets_at: new Date(freeAtMs).toISOString() };
    return window === 'minute'
      ? new Refusal('rate_limit_exceeded', message, { limit, headers: retryAfter(afterS) })
      : new Refusal('insufficient_quota', message, { limit, headers: { ...retryAfter(afterS), ...noRetry } });
  }
}
