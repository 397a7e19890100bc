import type { Team, User } from '../records/identity.ts';
import type { Refusal } from '../../base/refusal.ts';
import { changeRecord, type Place } from './change-record.ts';
import type { IdentityDeps } from './identity-deps.ts';
import type { Precondition } from './precondition.ts';

/** Lets nothing of a team in from the next request on, everywhere; suspending twice keeps the first time. */
export function suspendTeam(
  deps: IdentityDeps,
  team: string,
  precondition: Precondition,
): Promise<Team | Refusal> {
  return changeRecord(deps.identities, { kind: 'team', team }, suspended(deps), precondition);
}

/** Lets a team in again. */
export function resumeTeam(
  deps: IdentityDeps,
  team: string,
  precondition: Precondition,
): Promise<Team | Refusal> {
  return changeRecord(deps.identities, { kind: 'team', team }, resumed, precondition);
}

/** The same of one user. */
export function suspendUser(
  deps: IdentityDeps,
  at: Place,
  precondition: Precondition,
): Promise<User | Refusal> {
  return changeRecord(deps.identities, { kind: 'user', ...at }, suspended(deps), precondition);
}

export function resumeUser(
  deps: IdentityDeps,
  at: Place,
  precondition: Precondition,
): Promise<User | Refusal> {
  return changeRecord(deps.identities, { kind: 'user', ...at }, resumed, precondition);
}

function suspended({ clock }: IdentityDeps) {
  const nowAt = new Date(clock.now()).toISOString();
  return <T extends { suspended_at?: string | null }>(record: T): T => ({
    ...record,
    suspended_at: record.suspended_at ?? nowAt,
  });
}

function resumed<T extends { suspended_at?: string | null }>(record: T): T {
  return { ...record, suspended_at: null };
}
