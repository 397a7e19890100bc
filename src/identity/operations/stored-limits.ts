import type { Limit, StoredLimit } from '../../base/limit.ts';
import { limitIdentity } from '../../base/fields.ts';

/**
 * Gives the limits asked for the ids that name their counters: one that was there before, by metric, window
 * and models, keeps its id and so what is used of it; a new one counts from now.
 */
export function storedLimits(
  asked: readonly Limit[],
  before: readonly StoredLimit[],
  randomId: () => string,
): StoredLimit[] {
  const ids = new Map(before.map((limit) => [limitIdentity(limit), limit.id]));
  return asked.map((limit) => ({ id: ids.get(limitIdentity(limit)) ?? randomId(), ...limit }));
}

/** The limits after a change: nothing said keeps them, null clears them. */
export function changedLimits(
  asked: readonly Limit[] | null | undefined,
  before: StoredLimit[],
  randomId: () => string,
): StoredLimit[] {
  return asked === undefined ? before : storedLimits(asked ?? [], before, randomId);
}

/** A record as the admin API shows it: the ids of its limits are nobody's business. */
export function shown<T extends { limits: readonly StoredLimit[] }>(
  record: T,
): Omit<T, 'limits'> & { limits: Limit[] } {
  return { ...record, limits: record.limits.map(({ id: _id, ...limit }) => limit) };
}
