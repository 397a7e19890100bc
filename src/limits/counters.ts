import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import type { ScopedLimit } from '../identity/records/identity.ts';
import { counterKeyOfLimit } from '../identity/records/session.ts';
import { noCharge } from '../base/outcome.ts';
import type { Keys } from '../store/keys.ts';
import { nowMsOf, type Store } from '../store/store.ts';
import { counterField, counterOf } from './counter-text.ts';
import { applied, type LimitState } from './grant.ts';
import type { AppliedLimit } from './store.ts';
import { type Counter, emptyCounter } from './window.ts';

/** Counters of a team's limits as they are now, in the order of the limits, and the store's clock, ms. */
export type ReadCounters = (
  team: string,
  limits: readonly Pick<AppliedLimit, 'id' | 'span'>[],
) => Promise<{ nowMs: number; counters: readonly Counter[] }>;

/** Reads counters in one round trip, however many limits there are. Rejects with `StoreUnavailable`. */
export function countersIn(store: Store, keys: Keys): ReadCounters {
  function keyOf(team: string, field: string): string {
    const key = counterKeyOfLimit(field);
    if (key === null) return keys.counters(team);
    return key === gatewayCounterKey ? keys.counters(gatewayCounterKey) : keys.session(key);
  }

  return async (team, limits) => {
    const fields = limits.map(({ id, span }) => counterField(id, span));
    const hashes = [...new Set(fields.map((field) => keyOf(team, field)))];
    const fieldsIn = (hash: string): string[] => fields.filter((field) => keyOf(team, field) === hash);
    // Sent together, in one round trip.
    const [time, ...found] = await store.attempt((client) =>
      Promise.all([client.time(), ...hashes.map((hash) => client.hmget(hash, ...fieldsIn(hash)))]),
    );
    const texts = new Map(
      hashes.flatMap((hash, k) => fieldsIn(hash).map((field, n) => [field, found[k]?.[n] ?? ''])),
    );
    const nowMs = nowMsOf(time);
    const counters = limits.map(({ span }, n) => counterOf(texts.get(fields[n] ?? '') ?? '', span, nowMs));
    return { nowMs, counters };
  };
}

/** Limits of a team as they stand now. */
export async function limitStates(
  read: ReadCounters,
  team: string,
  limits: readonly ScopedLimit[],
): Promise<LimitState[]> {
  const asked = limits.map((scoped) => applied(scoped, noCharge));
  const { counters } = await read(team, asked);
  return limits.map((scoped, n): LimitState => ({
    scoped,
    applied: asked[n] ?? applied(scoped, noCharge),
    counter: counters[n] ?? emptyCounter,
  }));
}
