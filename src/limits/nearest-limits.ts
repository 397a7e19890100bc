import type { Limit, Scope } from '../base/limit.ts';
import type { ScopedLimit } from '../identity/records/identity.ts';
import { limitStates, type LimitsOf, type ReadCounters } from './counters.ts';
import { type LimitState, maxOf } from './grant.ts';
import { type ToldUse, useOf } from './limit-status.ts';

/** A limit with what is used of it. Money is in dollars. */
export type UsedLimit = Limit &
  ToldUse & {
    scope: Scope;
    /** Null if it is the gateway's. */
    team: string | null;
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
function shareOf(state: LimitState): number {
  const max = maxOf(state);
  return max === 0 ? 1 : state.counter.used / max;
}
