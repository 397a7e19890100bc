import { Refusal } from '../../base/refusal.ts';
import type { Team, TeamKey, Token, TokenKey, User, UserKey } from '../records/identity.ts';
import { newId } from '../records/token-text.ts';
import type { TeamChange, TokenChange, UserChange } from '../schemas/requests.ts';
import { expiryOf, timeNow } from './create.ts';
import { changedLimits } from './limits.ts';
import type { Precondition } from './precondition.ts';
import { changeRecord, type IdentityDeps, type RecordOf } from './records.ts';

/* Changes of records. Fields that are left out stay as they are; null clears. */

export function changeTeam(
  deps: IdentityDeps,
  key: TeamKey,
  { limits, ...fields }: TeamChange,
  precondition: Precondition = null,
): Promise<Team | Refusal> {
  const change = (team: Team): Team => ({
    ...team,
    ...given(fields),
    limits: changedLimits(limits, team.limits, newId),
  });
  return changeRecord(deps, key, change, precondition);
}

export function changeUser(
  deps: IdentityDeps,
  key: UserKey,
  { limits, ...fields }: UserChange,
  precondition: Precondition = null,
): Promise<User | Refusal> {
  const change = (user: User): User => ({
    ...user,
    ...given(fields),
    limits: changedLimits(limits, user.limits, newId),
  });
  return changeRecord(deps, key, change, precondition);
}

/** A revoked token cannot be changed (412), so that its record shows what it was when it was revoked. */
export function changeToken(
  deps: IdentityDeps,
  key: TokenKey,
  asked: TokenChange,
  precondition: Precondition = null,
): Promise<Token | Refusal> {
  const { expires_in: _in, expires_at: _at, limits, ...rest } = asked;
  const fields = given({ ...rest, expires_at: expiryOf(asked, deps.clock) });
  const change = (token: Token): Token | Refusal => {
    if (token.revoked_at !== null) return alreadyRevoked(token);
    return { ...token, ...fields, limits: changedLimits(limits, token.limits, newId) };
  };
  return changeRecord(deps, key, change, precondition);
}

/** Admits nothing of a team or a user any more, from the next request on. Keeps the time of an earlier suspension. */
export function suspend<K extends TeamKey | UserKey>(
  deps: IdentityDeps,
  key: K,
  precondition: Precondition = null,
): Promise<RecordOf<K> | Refusal> {
  const at = timeNow(deps.clock);
  const change = (record: RecordOf<K>): RecordOf<K> => ({
    ...record,
    suspended_at: record.suspended_at ?? at,
  });
  return changeRecord(deps, key, change, precondition);
}

/** Admits a team or a user again. */
export function resume<K extends TeamKey | UserKey>(
  deps: IdentityDeps,
  key: K,
  precondition: Precondition = null,
): Promise<RecordOf<K> | Refusal> {
  return changeRecord(deps, key, (record) => ({ ...record, suspended_at: null }), precondition);
}

/** The fields that a change names. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function alreadyRevoked(token: Token): Refusal {
  const message = `The token ${token.id} was revoked at ${token.revoked_at} and cannot be changed. Issue a new one.`;
  return new Refusal('precondition_failed', message);
}
