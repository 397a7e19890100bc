import type { Scope, StoredLimit } from '../../base/limit.ts';
import type { Session } from './session.ts';

/*
 * Who is who (contract 1.3), as records are stored. The admin API shows them without the limits' ids. Times are RFC 3339 UTC. A list that is null restricts nothing.
 */

export interface Team {
  id: string;
  name: string | null;
  limits: StoredLimit[];
  models: string[] | null;
  /** When it was suspended: its requests are refused. Absent or null if it is not suspended. */
  suspended_at?: string | null;
  created_at: string;
}

export interface User {
  id: string;
  team: string;
  name: string | null;
  email: string | null;
  /** The account at an issuer that signs in as this user; absent or null: none yet. */
  subject?: Subject | null;
  suspended_at?: string | null;
  limits: StoredLimit[];
  created_at: string;
}

/** An account at an OpenID provider. Only these two together identify it for good (OIDC Core 5.7). */
export interface Subject {
  issuer: string;
  sub: string;
}

export interface Token {
  id: string;
  team: string;
  user: string;
  name: string | null;
  /** The first characters of the secret, enough for a person to tell tokens apart. */
  prefix: string;
  /** Its latest two secrets, the newest first. Absent if it has only the one it was made with. */
  secrets?: TokenSecret[];
  models: string[] | null;
  endpoints: string[] | null;
  origins: string[] | null;
  /** Names of `heroku_tool` and `mcp` tools allowed; null: plain functions only. */
  tools: string[] | null;
  limits: StoredLimit[];
  /** The largest body of its sessions, in bytes; absent or null: 1 MiB. */
  max_session_body_bytes?: number | null;
  expires_at: string | null;
  revoked_at: string | null;
  created_at: string;
}

/** A text that a token is called with; rotation makes a new one. */
export interface TokenSecret {
  /** SHA-256 of the text, base64url. */
  hash: string;
  prefix: string;
  created_at: string;
  /** When it ends, by the store's clock; null for the newest. */
  expires_at: string | null;
}

/** What a secret stands for, as the store returns it in one round trip. */
export interface Identity {
  team: Team;
  user: User;
  /** The user's token, or the parent of the session. */
  token: Token;
  /** Null unless the secret is a session's. */
  session: Session | null;
  /** The limits over the whole gateway. */
  gateway: readonly StoredLimit[];
  /** The team's epoch: changes with every change to the team, its users, its tokens, or the settings. */
  epoch: string;
}

/** What a token's text says about itself, without the secret. */
export interface Credential {
  /** SHA-256 of the token text, base64url: the cache key, never a prefix of it (CVE-2026-35030). */
  secretHash: string;
  /** A session is found by its id; its expiry tells why one is gone. */
  session: { id: string; expiresAtMs: number } | null;
}

/** What the store knows about a credential. */
export interface Resolution {
  /** Null if unknown. A revoked or expired token is still returned. */
  identity: Identity | null;
  /** The store's clock when it answered, ms. */
  nowMs: number;
}

/** A stored limit with the scope it belongs to: what admission checks, in the order of `principal.limits`. */
export interface ScopedLimit {
  scope: Scope;
  limit: StoredLimit;
}

/** Who is calling: an identity made ready for the hot path. Immutable; shared by concurrent requests. */
export interface Principal {
  identity: Identity;
  credential: Credential;
  /** Longest window first, so that a refusal names the limit that matters. */
  limits: readonly ScopedLimit[];
  /** The earliest expiry of token, secret and session, ms since the epoch; Infinity if none expires. */
  expiresAtMs: number;
}

export interface TeamKey {
  kind: 'team';
  team: string;
}

export interface UserKey {
  kind: 'user';
  team: string;
  id: string;
}

export interface TokenKey {
  kind: 'token';
  team: string;
  id: string;
}

export type RecordKey = TeamKey | UserKey | TokenKey;

export type CreateResult = 'created' | 'exists' | 'no_team' | 'no_user';
