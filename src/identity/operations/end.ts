import { Refusal } from '../../base/refusal.ts';
import type { TeamKey, Token, TokenKey, TokenSecret, UserKey } from '../records/identity.ts';
import { timeNow } from './create.ts';
import type { Precondition } from './precondition.ts';
import { changeRecord, deleteRecord, type IdentityDeps, notFound, parseRecord } from './records.ts';

/* What ends records. Each works in a full store, and returns null once it is done. */

/** Deletes a team with its users and tokens. */
export async function deleteTeam(
  deps: IdentityDeps,
  key: TeamKey,
  precondition: Precondition = null,
): Promise<Refusal | null> {
  if (precondition !== null) return deleteRecord(deps, key, precondition);
  return (await deps.identities.deleteTeam(key.team)) ? null : notFound(key);
}

/**
 * Deletes a user and revokes the user's tokens. One step deletes the user and unbinds the secrets; then the tokens are
 * marked as revoked. Only tokens from before that step are marked: somebody may create the user again meanwhile, with
 * new tokens. Deleting again finishes the marking if the store failed in between.
 */
export async function deleteUser(
  deps: IdentityDeps,
  key: UserKey,
  precondition: Precondition = null,
): Promise<Refusal | null> {
  const { team } = key;
  const tokens = await liveTokensOf(deps, key);
  const refusal = await deleteRecord(deps, key, precondition);
  if (refusal !== null && refusal.code !== 'not_found') return refusal;
  // Ignores a refusal: it means that the team was deleted meanwhile, and the token with it.
  for (const id of tokens) await revokeToken(deps, { kind: 'token', team, id });
  return refusal;
}

/** The next request with the token is refused, everywhere. It stays listed, and keeps the time of an earlier revocation. */
export async function revokeToken(
  deps: IdentityDeps,
  key: TokenKey,
  precondition: Precondition = null,
): Promise<Refusal | null> {
  const at = timeNow(deps.clock);
  const revoked = (token: Token): Token => ({ ...token, revoked_at: token.revoked_at ?? at });
  const result = await changeRecord(deps, key, revoked, precondition);
  return result instanceof Refusal ? result : null;
}

/**
 * Ends a secret that others know, at a time of the store's clock: the newest with its token, an older one alone. The
 * token as it is then.
 */
export function endLeakedSecret(
  deps: IdentityDeps,
  key: TokenKey,
  { secretHash, nowMs }: { secretHash: string; nowMs: number },
): Promise<Token | Refusal> {
  const at = new Date(nowMs).toISOString();
  return changeRecord(deps, key, (token): Token => {
    if (token.revoked_at !== null) return token;
    const { secrets } = token;
    if (secrets === undefined || secrets[0]?.hash === secretHash) {
      return { ...token, revoked_at: at, revoked_because: 'leaked' };
    }
    const isEnded = ({ hash, expires_at: end }: TokenSecret): boolean =>
      hash !== secretHash || (end !== null && end <= at);
    return {
      ...token,
      secrets: secrets.map((secret) => (isEnded(secret) ? secret : { ...secret, expires_at: at })),
    };
  });
}

async function liveTokensOf({ identities }: IdentityDeps, { team, id: user }: UserKey): Promise<string[]> {
  const tokens = (await identities.list('token', team)).map((text) => parseRecord('token', text));
  return tokens.filter((token) => token.user === user && token.revoked_at === null).map(({ id }) => id);
}
