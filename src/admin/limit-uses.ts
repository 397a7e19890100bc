import type { Scope, StoredLimit } from '../base/limit.ts';
import { limitStates, type ReadCounters } from '../limits/counters.ts';
import { useOf } from '../limits/limit-status.ts';

/** What is used of a record's limits, in their order: one round trip to the store. */
export async function limitUses(
  counters: ReadCounters,
  { scope, team, limits }: { scope: Scope; team: string; limits: readonly StoredLimit[] },
): Promise<object[]> {
  if (limits.length === 0) return [];
  const scoped = limits.map((limit) => ({ scope, limit }));
  const [states = []] = await limitStates(counters, [{ team, limits: scoped }]);
  return states.map(useOf);
}
