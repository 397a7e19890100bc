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

/** A record as answers show it: without raises that have ended. */
export function asShown<T extends Pick<Raised, 'raises'>>(record: T, nowMs: number): T {
  if (!record.raises) return record;
  const raises = runningRaises(record, nowMs);
  return { ...record, raises: raises.length === 0 ? null : raises };
}

/** A record without the ids of its limits. */
export function withoutLimitIds<T extends { limits: readonly StoredLimit[] }>(
  record: T,
): Omit<T, 'limits'> & { limits: Limit[] } {
  return { ...record, limits: record.limits.map(({ id: _id, ...limit }) => limit) };
}
