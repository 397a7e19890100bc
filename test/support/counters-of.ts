import type { AdmissionStore } from '../../src/limits/admission-store.ts';
import type { AppliedLimit } from '../../src/limits/store.ts';
import type { Counter } from '../../src/limits/window.ts';

/** Counters of one team's limits as they are now, in the order of the limits. */
export async function countersOf(
  store: Pick<AdmissionStore, 'counters'>,
  team: string,
  limits: readonly Pick<AppliedLimit, 'id' | 'span'>[],
): Promise<readonly Counter[]> {
  const { counters } = await store.counters([{ team, limits }]);
  return counters[0] ?? [];
}
