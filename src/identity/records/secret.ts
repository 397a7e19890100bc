import type { Credential, Identity, Token, TokenSecret } from './identity.ts';

/** Where a token is. */
export interface TokenKey {
  team: string;
  id: string;
}

/** A token's record as it is to become, with the hash of its new secret. */
export interface Rotation {
  /** The record's text as it was read. */
  expected: string;
  next: string;
  secretHash: string;
}

/** That a secret was used, and when: the store's clock, ms. */
export interface SecretUse {
  team: string;
  token: string;
  /** Tells the token's secrets apart. */
  prefix: string;
  atMs: number;
}

/** When each secret of a token was used last, ms, by the secret's prefix. */
export type LastUses = ReadonlyMap<string, number>;

/** The secrets of tokens: what rotation needs beside `IdentityStore`. Methods reject with `StoreUnavailable`. */
export interface SecretStore {
  /** Hashes of the secrets that are bound to a token, the newest first, and the store's clock, ms. */
  bound(place: TokenKey): Promise<{ nowMs: number; hashes: string[] }>;
  /** Binds a new secret and replaces the record in one step, if it still is what was read; moves the epoch. */
  rotate(place: TokenKey, rotation: Rotation): Promise<'replaced' | 'conflict'>;
  /** Counts a rotation by the holder; whether it may be, and when the next one may, ms. */
  countRotation(place: TokenKey, perHour: number): Promise<{ ok: boolean; freeAtMs: number; nowMs: number }>;
  /** Writes down uses; of a token that is gone, or older than what is known, none. Leaves the epoch alone. */
  noteUses(uses: readonly SecretUse[]): Promise<void>;
  /** The last uses of a team's tokens, in the order of their ids. */
  lastUses(team: string, tokens: readonly string[]): Promise<LastUses[]>;
}

/**
 * Secrets that stay bound to a token: of those beyond the latest two, which have ended, it is still known that they
 * were its.
 */
export const boundSecrets = 4;

/**
 * When the secret of a credential ends, ms: Infinity for the newest, or for a session, which belongs to the token;
 * 0 for one that ended when the token was rotated again.
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

/** The secrets of a token as anyone may be shown them, the newest first; none where nobody holds one. */
export function secretsOf(token: Token): Omit<TokenSecret, 'hash'>[] {
  if (isHeldByNobody(token)) return [];
  const { prefix, created_at, secrets } = token;
  if (!secrets) return [{ prefix, created_at, expires_at: null }];
  return secrets.map(({ hash: _hash, ...secret }) => secret);
}

/** A token that sessions of a sign-in belong to: it has no text. */
export function isHeldByNobody({ prefix }: Token): boolean {
  return prefix === '';
}
