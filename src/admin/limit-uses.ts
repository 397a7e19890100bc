import type { ScopedLimit } from '../identity/records/identity.ts';
import { limitStates, type ReadCounters } from '../limits/counters.ts';
import { useOf } from '../limits/limit-status.ts';

/** What is used of a record's limits, in their order: one round trip to the store. */
export async function limitUses(
  counters: ReadCounters,
  team: string,
  limits: readonly ScopedLimit[],
): Promise<object[]> {
  if (limits.length === 0) return [];
  const [states = []] = await limitStates(counters, [{ team, limits }]);
  return states.map(useOf);
}
