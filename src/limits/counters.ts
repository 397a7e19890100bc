import { endUserCounterKey } from '../identity/records/end-user.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import type { ScopedLimit } from '../identity/records/identity.ts';
import { counterKeyOfLimit } from '../identity/records/session.ts';
import { noCharge } from '../base/outcome.ts';
import type { Keys } from '../store/keys.ts';
import { nowMsOf, type Store } from '../store/store.ts';
import { counterField, counterOf } from './counter-text.ts';
import { applied, type LimitState, withCounter } from './grant.ts';
import type { AppliedLimit } from './store.ts';
import { type Counter, emptyCounter } from './window.ts';

type AskedLimit = Pick<AppliedLimit, 'id' | 'span'>;

/** Limits of a team and its members. */
export interface LimitsOf<Limit> {
  team: string;
  limits: readonly Limit[];
}

/** Counters of each team's limits as they are now, in the order of the teams and limits, and the store's clock, ms. */
export type ReadCounters = (
  asked: readonly LimitsOf<AskedLimit>[],
) => Promise<{ nowMs: number; counters: readonly (readonly Counter[])[] }>;

/** Reads counters in one round trip, however many there are. Rejects with `StoreUnavailable`. */
export function countersIn(store: Store, keys: Keys): ReadCounters {
  function keyOf(team: string, field: string): string {
    const ofEndUser = endUserCounterKey(field);
    if (ofEndUser !== null) return keys.counters(team + ofEndUser);
    const key = counterKeyOfLimit(field);
    if (key === null) return keys.counters(team);
    return key === gatewayCounterKey ? keys.counters(gatewayCounterKey) : keys.session(key);
  }

  return async (asked) => {
    const places = asked.map(({ team, limits }) =>
      limits.map(({ id, span }) => {
        const field = counterField(id, span);
        return { hash: keyOf(team, field), field, span };
      }),
    );
    const hashes = [...Map.groupBy(places.flat(), ({ hash }) => hash)];
    // Sent together, in one round trip.
    const [time, ...found] = await store.attempt((client) =>
      Promise.all([
        client.time(),
        ...hashes.map(([hash, inIt]) => client.hmget(hash, ...inIt.map(({ field }) => field))),
      ]),
    );
    const texts = new Map(
      hashes.map(([hash, inIt], k) => [
        hash,
        new Map(inIt.map(({ field }, n) => [field, found[k]?.[n] ?? ''])),
      ]),
    );
    const nowMs = nowMsOf(time);
    const counters = places.map((ofTeam) =>
      ofTeam.map(({ hash, field, span }) => counterOf(texts.get(hash)?.get(field) ?? '', span, nowMs)),
    );
    return { nowMs, counters };
  };
}

/** Limits of teams as they stand now, in one round trip. Rejects with `StoreUnavailable`. */
export async function limitStates(
  read: ReadCounters,
  asked: readonly LimitsOf<ScopedLimit>[],
): Promise<LimitState[][]> {
  const applying = asked.map(({ team, limits }) => ({
    team,
    limits: limits.map((scoped) => applied(scoped, noCharge)),
  }));
  const { nowMs, counters } = await read(applying);
  return asked.map(({ limits }, of) =>
    limits.map((scoped, n): LimitState => {
      const state = {
        scoped,
        applied: applying[of]?.limits[n] ?? applied(scoped, noCharge),
        counter: emptyCounter,
      };
      return withCounter(state, counters[of]?.[n] ?? emptyCounter, nowMs);
    }),
  );
}
