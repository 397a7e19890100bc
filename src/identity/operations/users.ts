import type { User } from '../records/identity.ts';
import { Refusal } from '../../base/refusal.ts';
import {
  changeRecord,
  deleteRecord,
  given,
  listRecords,
  notFound,
  readRecord,
  type Place,
} from './change-record.ts';
import type { IdentityDeps } from './identity-deps.ts';
import type { Precondition } from './precondition.ts';
import type { NewUser, UserChange } from '../schemas/schemas.ts';
import { limitsOfNew } from './settings.ts';
import { changedLimits, storedLimits } from './stored-limits.ts';
import { liveTokensOf, revokeToken } from './tokens.ts';

/** Makes a user; 409 where the id is taken in the team, 404 without the team. */
export async function createUser(deps: IdentityDeps, team: string, asked: NewUser): Promise<User | Refusal> {
  const user: User = {
    id: asked.id,
    team,
    name: asked.name ?? null,
    email: asked.email ?? null,
    subject: asked.subject ?? null,
    suspended_at: null,
    limits: storedLimits(await limitsOfNew(deps, 'user', asked.limits), [], deps.randomId),
    created_at: new Date(deps.clock.now()).toISOString(),
  };
  const result = await deps.identities.create({ kind: 'user', team, id: user.id }, JSON.stringify(user));
  if (result === 'created') return user;
  if (result === 'no_team') return notFound({ kind: 'team', team });
  return new Refusal('already_exists', `There is a user ${user.id} in the team ${team} already.`, {
    param: 'id',
  });
}

/** The users of a team, by id. */
export function listUsers({ identities }: IdentityDeps, team: string): Promise<User[] | Refusal> {
  return listRecords(identities, 'user', team);
}

/** A user, or a 404. */
export function getUser({ identities }: IdentityDeps, at: Place): Promise<User | Refusal> {
  return readRecord(identities, { kind: 'user', ...at });
}

/** Fields left out stay; null clears. */
export function changeUser(
  deps: IdentityDeps,
  at: Place,
  { limits, ...fields }: UserChange,
  precondition: Precondition,
): Promise<User | Refusal> {
  const change = (record: User): User => ({
    ...record,
    ...given(fields),
    limits: changedLimits(limits, record.limits, deps.randomId),
  });
  return changeRecord(deps.identities, { kind: 'user', ...at }, change, precondition);
}

/**
 * The user goes first, and in the same step the secrets of the tokens are unbound; then these are marked as
 * revoked: the ones there were before, since a user made anew meanwhile may have got another. Deleting again
 * finishes a marking that the store broke off.
 */
export async function deleteUser(
  deps: IdentityDeps,
  at: Place,
  precondition: Precondition,
): Promise<Refusal | null> {
  const tokens = await liveTokensOf(deps, at);
  const refusal = await deleteRecord(deps.identities, { kind: 'user', ...at }, precondition);
  if (refusal !== null && refusal.code !== 'not_found') return refusal;
  // A refusal means that the team has gone meanwhile, and the token with it.
  for (const id of tokens) await revokeToken(deps, { team: at.team, id });
  return refusal;
}
