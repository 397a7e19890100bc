import type { ChangePace } from '../access/change-pace.ts';
import { Refusal } from '../base/refusal.ts';
import { type AdministratorDeps, deleteAdministrator } from '../identity/operations/administrators.ts';
import { endLeakedSecret } from '../identity/operations/end.ts';
import type { Identity } from '../identity/records/identity.ts';
import { secretEndMs } from '../identity/records/secret.ts';
import type { Session } from '../identity/records/session.ts';
import { credentialOf, hashToken, inspectToken } from '../identity/records/token-text.ts';
import type { SessionStore } from '../sessions/session-store.ts';

/** A credential that others than its holder know. */
export type LeakedCredential =
  | { kind: 'administrator'; id: string }
  | { kind: 'session'; identity: Identity; session: Session }
  | { kind: 'token'; identity: Identity; secretHash: string; nowMs: number };

export interface LeakedCredentialDeps extends Omit<AdministratorDeps, 'realModel'> {
  sessions: Pick<SessionStore, 'end' | 'endAll'>;
  pace: Pick<ChangePace, 'ofHolder'>;
}

/** The credential behind a well-formed text; null if there is none. Rejects with `StoreUnavailable`. */
export async function leakedCredential(
  { identities, administrators }: Pick<LeakedCredentialDeps, 'identities' | 'administrators'>,
  text: string,
): Promise<LeakedCredential | null> {
  const inspected = inspectToken(text);
  if (!inspected.ok) return null;
  if (inspected.kind === 'admin') {
    const { administrator } = await administrators.resolve(hashToken(text));
    return administrator && { kind: 'administrator', id: administrator.id };
  }
  const credential = credentialOf(text);
  const { identity, nowMs } = await identities.resolve(credential);
  if (identity === null) return null;
  const { session } = identity;
  if (session !== null) return { kind: 'session', identity, session };
  return { kind: 'token', identity, secretHash: credential.secretHash, nowMs };
}

/**
 * Ends a credential: the next request with it is refused, everywhere. What has ended stays as it is. A refusal only if
 * others keep changing the token. Works in a full store. Rejects with `StoreUnavailable`.
 */
export async function endLeaked(
  deps: LeakedCredentialDeps,
  leaked: LeakedCredential,
): Promise<Refusal | null> {
  switch (leaked.kind) {
    case 'administrator':
      return unlessGone(await deleteAdministrator(deps, leaked.id, null));
    case 'session':
      await endSession(deps, leaked);
      return null;
    case 'token':
      return unlessGone(await endToken(deps, leaked));
  }
}

/**
 * A secret that was rotated out takes nothing with it once it has ended: rotating is what holders do after a leak, and the
 * report may come late. While it still works, whoever knows it may have made sessions: those end with it.
 */
async function endToken(
  deps: LeakedCredentialDeps,
  { identity, secretHash, nowMs }: Extract<LeakedCredential, { kind: 'token' }>,
): Promise<Refusal | null> {
  const { team, id } = identity.token;
  if (secretEndMs(identity, { secretHash, session: null }) <= nowMs) return null;
  const token = await endLeakedSecret(deps, { kind: 'token', team, id }, { secretHash, nowMs });
  if (token instanceof Refusal) return token;
  if (token.revoked_at === null) await deps.sessions.endAll({ team, token: id });
  return null;
}

/**
 * One that is bound to a key goes on: without that key its text opens nothing, and must not keep its holder out. The
 * trail has the end of another, unless the holders of the team have made too many changes: anybody with a token can make sessions and
 * report them, and the trail is never trimmed.
 */
async function endSession(
  { sessions, pace }: LeakedCredentialDeps,
  { identity: { token }, session }: Extract<LeakedCredential, { kind: 'session' }>,
): Promise<void> {
  if (session.cnf) return;
  const tooMany = await pace.ofHolder(token.team);
  const before = { token: token.id, user: token.user };
  const change = {
    kind: 'session',
    operation: 'session.end',
    team: token.team,
    id: session.id,
    before,
    after: null,
  } as const;
  await sessions.end(session.id, tooMany === null ? change : null);
}

/** Somebody else has ended it meanwhile. */
function unlessGone(refusal: Refusal | null): Refusal | null {
  return refusal?.code === 'not_found' ? null : refusal;
}
