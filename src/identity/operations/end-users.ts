import { Refusal } from '../../base/refusal.ts';
import { mostSuspended } from '../records/bounds.ts';
import { isSuspendedIn } from '../records/end-user.ts';
import type { Team } from '../records/identity.ts';
import { timeNow } from './create.ts';
import type { Precondition } from './precondition.ts';
import { changeRecord, type IdentityDeps } from './records.ts';

/* Suspending single end users of a team. The list is a part of the team's record, so that the next request anywhere knows. */

interface EndUser {
  team: string;
  /** The name that sessions are made for. It need not be known. */
  endUser: string;
}

/**
 * Refuses every request of an end user's sessions from the next one on, and sessions for them. Keeps the time of an earlier
 * suspension. A 429 if the team has as many suspended as it may.
 */
export function suspendEndUser(
  deps: IdentityDeps,
  { team: id, endUser }: EndUser,
  precondition: Precondition = null,
): Promise<Team | Refusal> {
  const added = { end_user: endUser, suspended_at: timeNow(deps.clock) };
  const change = (team: Team): Team | Refusal => {
    const list = team.suspended_end_users ?? [];
    if (isSuspendedIn(team, endUser)) return team;
    return list.length < mostSuspended ? { ...team, suspended_end_users: [...list, added] } : tooMany(id);
  };
  return changeRecord(deps, { kind: 'team', team: id }, change, precondition);
}

/** Admits an end user again. */
export function resumeEndUser(
  deps: IdentityDeps,
  { team: id, endUser }: EndUser,
  precondition: Precondition = null,
): Promise<Team | Refusal> {
  const change = (team: Team): Team => {
    if (!isSuspendedIn(team, endUser)) return team;
    const { suspended_end_users: list = [], ...rest } = team;
    const others = list?.filter(({ end_user }) => end_user !== endUser) ?? [];
    return others.length > 0 ? { ...team, suspended_end_users: others } : rest;
  };
  return changeRecord(deps, { kind: 'team', team: id }, change, precondition);
}

function tooMany(team: string): Refusal {
  const message = `The team ${team} has ${mostSuspended} suspended end users, which is the maximum. Resume some, or make no sessions for them.`;
  const limit = {
    scope: 'team',
    metric: 'suspended_end_users',
    window: null,
    max: mostSuspended,
    resets_at: null,
  };
  return new Refusal('insufficient_quota', message, { limit });
}
