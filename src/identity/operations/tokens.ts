import type { Token } from '../records/identity.ts';
import { Refusal } from '../../base/refusal.ts';
import {
  changeRecord,
  given,
  listRecords,
  notFound,
  parseRecord,
  readRecord,
  type Place,
} from './change-record.ts';
import type { IdentityDeps } from './identity-deps.ts';
import { expiryOf } from './expiry.ts';
import type { Precondition } from './precondition.ts';
import type { NewToken, TokenChange } from '../schemas/schemas.ts';
import { limitsOfNew } from './settings.ts';
import { changedLimits, storedLimits } from './stored-limits.ts';

/** A token as it was just made: the only time its text is known. */
export interface IssuedToken {
  record: Token;
  text: string;
}

/** Makes a token for a user; 404 without the user or the team. */
export async function issueToken(
  deps: IdentityDeps,
  team: string,
  asked: NewToken,
): Promise<IssuedToken | Refusal> {
  const { text, secretHash, prefix } = deps.mint();
  const record: Token = {
    id: `tok_${deps.randomId()}`,
    team,
    user: asked.user,
    prefix,
    name: asked.name ?? null,
    models: asked.models ?? null,
    endpoints: asked.endpoints ?? null,
    origins: asked.origins ?? null,
    tools: asked.tools ?? null,
    limits: storedLimits(await limitsOfNew(deps, 'token', asked.limits), [], deps.randomId),
    max_session_body_bytes: asked.max_session_body_bytes ?? null,
    expires_at: expiryOf(asked, deps.clock) ?? null,
    revoked_at: null,
    created_at: new Date(deps.clock.now()).toISOString(),
  };
  const key = { kind: 'token', team, id: record.id } as const;
  const result = await deps.identities.create(key, JSON.stringify(record), { secretHash, user: asked.user });
  if (result === 'created') return { record, text };
  if (result === 'no_team') return notFound({ kind: 'team', team });
  if (result === 'no_user') return notFound({ kind: 'user', team, id: asked.user }, 'user');
  throw new Error('A random token id came up twice.');
}

/** The tokens of a team, revoked ones too. */
export function listTokens({ identities }: IdentityDeps, team: string): Promise<Token[] | Refusal> {
  return listRecords(identities, 'token', team);
}

/** A token, or a 404. */
export function getToken({ identities }: IdentityDeps, at: Place): Promise<Token | Refusal> {
  return readRecord(identities, { kind: 'token', ...at });
}

/** Fields left out stay; null clears. A revoked token stays as it was revoked, for whoever looks later. */
export function changeToken(
  deps: IdentityDeps,
  at: Place,
  asked: TokenChange,
  precondition: Precondition,
): Promise<Token | Refusal> {
  const { expires_in: _in, expires_at: _at, limits, ...rest } = asked;
  const fields = given({ ...rest, expires_at: expiryOf(asked, deps.clock) });
  const change = (record: Token): Token | Refusal => {
    if (record.revoked_at !== null) return alreadyRevoked(record);
    return { ...record, ...fields, limits: changedLimits(limits, record.limits, deps.randomId) };
  };
  return changeRecord(deps.identities, { kind: 'token', ...at }, change, precondition);
}

/** Refused everywhere from the next request on. The record stays listed; revoking twice keeps the first time. */
export async function revokeToken(
  deps: IdentityDeps,
  at: Place,
  precondition: Precondition = null,
): Promise<Refusal | null> {
  const revokedAt = new Date(deps.clock.now()).toISOString();
  const revoked = (record: Token): Token => ({ ...record, revoked_at: record.revoked_at ?? revokedAt });
  const result = await changeRecord(deps.identities, { kind: 'token', ...at }, revoked, precondition);
  return result instanceof Refusal ? result : null;
}

/** The tokens of a user that are not revoked yet, by id. */
export async function liveTokensOf(deps: IdentityDeps, { team, id: user }: Place): Promise<string[]> {
  const tokens = (await deps.identities.list('token', team)).map((text) => parseRecord('token', text));
  return tokens.filter((token) => token.user === user && token.revoked_at === null).map(({ id }) => id);
}

function alreadyRevoked(token: Token): Refusal {
  const message = `The token ${token.id} was revoked at ${token.revoked_at} and cannot be changed. Issue a new one.`;
  return new Refusal('precondition_failed', message);
}
