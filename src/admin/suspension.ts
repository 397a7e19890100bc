import type { Team, User } from '../core/identity.ts';
import type { Refusal } from '../core/refusal.ts';
import { changeRecord, type Place } from './change-record.ts';
import type { IdentityDeps } from './deps.ts';

/** Lets nothing of a team in from the next request on, everywhere; suspending twice keeps the first time. */
export function suspendTeam(deps: IdentityDeps, team: string): Promise<Team | Refusal> {
  return changeRecord(deps.identities, { kind: 'team', team }, suspended(deps));
}

/** Lets a team in again. */
export function resumeTeam(deps: IdentityDeps, team: string): Promise<Team | Refusal> {
  return changeRecord(deps.identities, { kind: 'team', team }, (record) => ({
    ...record,
    suspended_at: null,
  }));
}

/** The same of one user. */
export function suspendUser(deps: IdentityDeps, at: Place): Promise<User | Refusal> {
  return changeRecord(deps.identities, { kind: 'user', ...at }, suspended(deps));
}

export function resumeUser(deps: IdentityDeps, at: Place): Promise<User | Refusal> {
  return changeRecord(deps.identities, { kind: 'user', ...at }, (record) => ({
    ...record,
    suspended_at: null,
  }));
}

function suspended({ clock }: IdentityDeps) {
  const nowAt = new Date(clock.now()).toISOString();
  return <T extends { suspended_at?: string | null }>(record: T): T => ({
    ...record,
    suspended_at: record.suspended_at ?? nowAt,
  });
}
