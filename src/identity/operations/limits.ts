import type { Limit, StoredLimit } from '../../base/limit.ts';
import { limitIdentity } from '../../base/fields.ts';
import { type Raised, runningRaises } from '../records/raise.ts';
import { newId } from '../records/token-text.ts';

/**
 * Gives limits the ids that name their counters. A limit that was there before (same metric, window and models) keeps
 * its id, and so its use and its raises; a new one counts from now.
 */
export function storedLimits(
  asked: readonly Limit[],
  before: readonly StoredLimit[] = [],
  newLimitId = newId,
): StoredLimit[] {
  const ids = new Map(before.map((limit) => [limitIdentity(limit), limit.id]));
  return asked.map((limit) => ({ id: ids.get(limitIdentity(limit)) ?? newLimitId(), ...limit }));
}

/** The limits after a change: undefined keeps them, null clears them. */
export function changedLimits(
  asked: readonly Limit[] | null | undefined,
  before: StoredLimit[],
  newLimitId = newId,
): StoredLimit[] {
  return asked === undefined ? before : storedLimits(asked ?? [], before, newLimitId);
}

/** Records as answers show them: without raises that have ended, by the store's clock, which admission goes by. */
export async function asShown<T extends Pick<Raised, 'raises'>>(
  records: readonly T[],
  storeNowMs: () => Promise<number>,
): Promise<readonly T[]> {
  if (!records.some(({ raises }) => raises)) return records;
  const nowMs = await storeNowMs();
  return records.map((record) => {
    if (!record.raises) return record;
    const raises = runningRaises(record, nowMs);
    return { ...record, raises: raises.length === 0 ? null : raises };
  });
}

/** A record without the ids of its limits. */
export function withoutLimitIds<T extends { limits: readonly StoredLimit[] }>(
  record: T,
): Omit<T, 'limits'> & { limits: Limit[] } {
  return { ...record, limits: record.limits.map(({ id: _id, ...limit }) => limit) };
}
