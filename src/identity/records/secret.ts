import type { Credential, Identity, Token, TokenSecret } from './identity.ts';

/** The next state of a token's record, with the hash of its new secret. */
export interface Rotation {
  /** The record's text as it was read. */
  expected: string;
  next: string;
  secretHash: string;
}

/** A use of a secret; when is by the store's clock, ms. */
export interface SecretUse {
  team: string;
  token: string;
  /** Tells the token's secrets apart. */
  prefix: string;
  atMs: number;
}

/** When each secret of a token was used last, ms, by the secret's prefix. */
export type LastUses = ReadonlyMap<string, number>;

/** What is noted of a link that shows a secret, in place of the secret's prefix: when it was made, and opened. */
export type LinkEvent = 'link-made' | 'link-opened';

export function linkMark(event: LinkEvent, prefix: string): string {
  return `${event}:${prefix}`;
}

/** The latest use, ms; null if there is none. What became of links is no use. */
export function lastUseMs(uses: LastUses): number | null {
  const times = [...uses].flatMap(([prefix, atMs]) => (prefix.startsWith('link-') ? [] : [atMs]));
  return times.length === 0 ? null : Math.max(...times);
}

/**
 * How many secrets stay bound to a token. All but the latest two have ended, but are still known as the token's: their
 * holder gets `expired_token` instead of `invalid_token`.
 */
export const boundSecrets = 4;

/**
 * When the secret of a credential ends, ms. Infinity for the newest secret and for a session, which belongs to the
 * token; 0 for a secret that ended because the token was rotated again.
 */
export function secretEndMs({ token, session }: Identity, { secretHash }: Credential): number {
  if (session !== null || token.secrets === undefined) return Infinity;
  const own = token.secrets.find(({ hash }) => hash === secretHash);
  if (!own) return 0;
  return own.expires_at === null ? Infinity : Date.parse(own.expires_at);
}

/** The prefix of the secret of a credential. */
export function prefixOf({ token }: Identity, { secretHash }: Credential): string {
  return token.secrets?.find(({ hash }) => hash === secretHash)?.prefix ?? token.prefix;
}

/** The secrets of a token without their hashes, newest first; none if nobody holds one. */
export function secretsOf(token: Token): Omit<TokenSecret, 'hash'>[] {
  if (isHeldByNobody(token)) return [];
  const { prefix, created_at, secrets } = token;
  if (!secrets) return [{ prefix, created_at, expires_at: null }];
  return secrets.map(({ hash: _hash, ...secret }) => secret);
}

/** Whether the token belongs to a sign-in: it has no text, only sessions. */
export function isHeldByNobody({ prefix }: Token): boolean {
  return prefix === '';
}
