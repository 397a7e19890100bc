import type { StoredLimit } from '../../base/limit.ts';
import type { JsonObject } from '../../base/request.ts';

/** What every request of a session says, whatever its holder sends. It belongs to one endpoint. */
export interface Pinned {
  /** The path, such as `/v1/chat/completions`: the session admits no other. */
  endpoint: string;
  /** Filled in and not to be changed; pinned `messages` stand first. */
  fields: JsonObject;
  /** What the holder may send besides. */
  allow: string[];
}

/**
 * A short-lived token for a page (`tgs_…`), narrower than the user's token that made it. It never changes: it ends,
 * expires, or is dead because its parent is. A list that is null leaves what the parent has.
 */
export interface Session {
  id: string;
  models: string[] | null;
  endpoints: string[] | null;
  origins: string[] | null;
  /** Names of `heroku_tool` and `mcp` tools allowed; null: plain functions only. */
  tools: string[] | null;
  /** Its own, beside those of token, user and team. */
  limits: StoredLimit[];
  pinned: Pinned | null;
  /** Whom the site made it for: goes to the ledger. */
  end_user: string | null;
  expires_at: string;
  created_at: string;
}

export interface MintRequest {
  session: Session;
  secretHash: string;
  /** By the store's clock, ms. */
  expiresAtMs: number;
  /** The parent: its team, its id, the epoch it was read at, and when it expires, ms. */
  parent: { team: string; token: string; epoch: string; expiresAtMs: number };
}

export type MintResult =
  | { kind: 'minted' }
  /** The team changed since the parent was read: read it again. */
  | { kind: 'stale' }
  /** The parent has expired. */
  | { kind: 'expired' }
  /** Too many in this minute, or too much of the store is taken by those alive; when there is room again, ms. */
  | { kind: 'too_many'; bound: 'minute' | 'room'; max: number; freeAtMs: number; nowMs: number };

/** The bounds of one parent's sessions. */
export interface MintBounds {
  perMinute: number;
  /** Of the store, taken by sessions that are alive. */
  maxBytes: number;
}

/** What a session is reckoned to take of the store besides its record: keys, index, bookkeeping (measured). */
const overheadBytes = 680;
/** And for each limit its counter. */
const counterBytes = 160;

/** Bytes of the store that a session takes, written as `record`. */
export function storedBytes({ limits }: Session, record: string): number {
  return overheadBytes + counterBytes * limits.length + Buffer.byteLength(record);
}

/** The name of the n-th limit of a session: what stands before the stroke finds the key its counter is in. */
export function sessionLimitId(session: string, index: number): string {
  return `${session}/${index}`;
}

/** The session whose limit this is, or `@` for the gateway; null for one of a team, user or token. */
export function counterKeyOfLimit(id: string): string | null {
  const stroke = id.indexOf('/');
  return stroke < 0 ? null : id.slice(0, stroke);
}
