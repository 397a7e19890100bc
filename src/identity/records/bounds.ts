import type { Actor } from '../../base/actor.ts';

/*
 * What one record, one team and one administrator may take of the store, so that nobody fills it for all. The figures
 * are also in docs/store-budget.md.
 */

/** A record as it is stored, in UTF-8, without what rotating, suspending and revoking add to it. */
export const maxRecordBytes = 8_192;

/** The users of a team, or its tokens. */
export interface TeamBounds {
  records: number;
  bytes: number;
}
export const teamBounds: TeamBounds = { records: 2_000, bytes: 1_048_576 };

/** A team without room forgets tokens that were revoked or expired this long ago, when it needs room for new ones. */
export const endedDays = 7;

/** How many changes somebody may make; null: no bound. What ends or suspends something is not counted. */
export interface ChangeBounds {
  perMinute: number;
  perDay: number | null;
}

/** Of a whole team, by the holders of its tokens. */
export const holdersChanges: ChangeBounds = { perMinute: 120, perDay: 2_000 };

/** Whoever has one team only is bounded by the day, too: each change stays in the audit trail for good. */
export function changeBoundsOf(actor: Actor): ChangeBounds {
  if (actor.kind === 'root') return { perMinute: 6_000, perDay: null };
  return { perMinute: 120, perDay: actor.role === 'admin' ? null : 2_000 };
}

/** How many end users of a team may be suspended at once: every look-up of one of its tokens reads the list. */
export const mostSuspended = 200;
