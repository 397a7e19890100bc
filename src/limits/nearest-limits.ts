import type { Limit, Scope } from '../base/limit.ts';
import type { ScopedLimit } from '../identity/records/identity.ts';
import { limitStates, type LimitsOf, type ReadCounters } from './counters.ts';
import type { LimitState } from './grant.ts';
import { useOf } from './limit-status.ts';

/** A limit with what is used of it. Money is in dollars. */
export type UsedLimit = Limit & {
  scope: Scope;
  /** Null if it is the gateway's. */
  team: string | null;
  used: number;
  remaining: number;
  /** Null for concurrency. */
  resets_at: string | null;
};

/** The limits of which the greatest share is used, at most `most`, from one round trip. Rejects with `StoreUnavailable`. */
export async function nearestLimits(
  read: ReadCounters,
  asked: readonly LimitsOf<ScopedLimit>[],
  most: number,
): Promise<UsedLimit[]> {
  const states = await limitStates(read, asked);
  return asked
    .flatMap(({ team }, n) => (states[n] ?? []).map((state) => ({ team, state, share: shareOf(state) })))
    .toSorted((a, b) => b.share - a.share)
    .slice(0, most)
    .map(({ team, state }): UsedLimit => {
      const { scope, limit } = state.scoped;
      const { id: _id, ...shown } = limit;
      return { ...shown, scope, team: scope === 'gateway' ? null : team, ...useOf(state) };
    });
}

/** A limit of nothing is used up. */
function shareOf({ applied, counter }: LimitState): number {
  return applied.max === 0 ? 1 : counter.used / applied.max;
}
