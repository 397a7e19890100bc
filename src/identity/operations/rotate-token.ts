import type { Token, TokenKey, TokenSecret } from '../records/identity.ts';
import { Refusal } from '../../base/refusal.ts';
import { isHeldByNobody } from '../records/secret.ts';
import type { SecretStore } from '../store/secret-store.ts';
import { type MintedToken, mintToken } from '../records/token-text.ts';
import type { Issued } from './create.ts';
import { type Precondition, unmet } from './precondition.ts';
import { type Identities, maxAttempts, notFound, parseRecord, tooManyChanges } from './records.ts';

export interface RotateDeps extends Identities {
  secrets: SecretStore;
}

interface AskedRotation {
  /** How long the old secret still works. */
  overlapS: number;
  /** The hash of the holder's own secret if the holder asks; it must be the newest. */
  by?: string;
  precondition?: Precondition;
}

/** A token with its new secret: the only time the text is known. */
export interface RotatedToken extends Issued<Token> {
  /** When the secret before ends, RFC 3339. */
  oldExpiresAt: string;
}

/**
 * Gives a token a new secret under the same id. The secret before it works until the overlap ends, by the store's
 * clock; older ones end at once. A 404 without the token; a 412 if it is revoked, expired or has no text.
 */
export async function rotateToken(
  { identities, secrets }: RotateDeps,
  key: TokenKey,
  { overlapS, by, precondition = null }: AskedRotation,
): Promise<RotatedToken | Refusal> {
  const minted = mintToken('user');
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const [text, { nowMs, hashes }] = await Promise.all([identities.read(key), secrets.bound(key)]);
    if (text === null) return notFound(key);
    const record = parseRecord('token', text);
    const refusal = unmet(precondition, record) ?? unrotatable(record, nowMs);
    if (refusal) return refusal;
    const newest = newestOf(record, hashes);
    if (newest === null) {
      return failed(`The token ${record.id} ended with its user ${record.user}. Issue a new one.`);
    }
    if (by !== undefined && by !== newest.hash) return superseded();

    const oldExpiresAt = new Date(nowMs + overlapS * 1_000).toISOString();
    const old = { ...newest, expires_at: oldExpiresAt };
    const next = withSecrets(record, minted, { nowMs, old });
    const rotation = { expected: text, next: JSON.stringify(next), secretHash: minted.secretHash };
    const result = await secrets.rotate(key, rotation);
    if (result === 'replaced') return { record: next, text: minted.text, oldExpiresAt };
  }
  return tooManyChanges('This token is');
}

/** The record with its new secret and the old one. Secrets before those are dropped. */
function withSecrets(
  record: Token,
  { secretHash: hash, prefix }: MintedToken,
  { nowMs, old }: { nowMs: number; old: TokenSecret },
): Token {
  const created_at = new Date(nowMs).toISOString();
  return { ...record, prefix, secrets: [{ hash, prefix, created_at, expires_at: null }, old] };
}

/** Only the index knows the hash of a token that was never rotated. Null if no secret is bound any more. */
function newestOf({ secrets, prefix, created_at }: Token, [hash]: readonly string[]): TokenSecret | null {
  return hash === undefined ? null : (secrets?.[0] ?? { hash, prefix, created_at, expires_at: null });
}

function unrotatable(token: Token, nowMs: number): Refusal | null {
  if (token.revoked_at !== null) {
    return failed(`The token ${token.id} was revoked at ${token.revoked_at}. Issue a new one.`);
  }
  if (token.expires_at !== null && nowMs >= Date.parse(token.expires_at)) {
    return failed(`The token ${token.id} expired at ${token.expires_at}. Give it a later expiry first.`);
  }
  if (isHeldByNobody(token)) {
    return failed(`The token ${token.id} belongs to a sign-in: it has no secret that could be changed.`);
  }
  return null;
}

function failed(message: string): Refusal {
  return new Refusal('precondition_failed', message);
}

/** The refusal of an old secret: its holder may be the reason for the rotation, and must not get the new one. */
export function superseded(): Refusal {
  return new Refusal(
    'role_not_allowed',
    'This token was rotated already, and the secret you sent is not its newest. Rotate it with the newest.',
  );
}
