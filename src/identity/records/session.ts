import type { StoredLimit } from '../../base/limit.ts';
import type { JsonObject } from '../../base/request.ts';

/** The fields that a session fixes in every request. It belongs to one endpoint. */
export interface Pinned {
  /** The path, such as `/v1/chat/completions`: the session admits no other. */
  endpoint: string;
  /** The holder cannot change these. Pinned `messages` come before those sent. */
  fields: JsonObject;
  /** The other fields that the holder may send. */
  allow: string[];
}

/**
 * A short-lived token for a page (`tgs_…`), narrower than the user's token that made it. It never changes. It
 * ends, expires, or stops working with its parent. A list that is null adds no restriction to the parent's.
 */
export interface Session {
  id: string;
  models: string[] | null;
  endpoints: string[] | null;
  origins: string[] | null;
  /** Names of `heroku_tool` and `mcp` tools allowed; null: plain functions only. */
  tools: string[] | null;
  /** Its own limits. Those of token, user and team apply too. */
  limits: StoredLimit[];
  pinned: Pinned | null;
  /** The person the site made it for. The ledger records it. */
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
  /** Too many in this minute, or live sessions take too many bytes of the store. `freeAtMs`: when to try again. */
  | { kind: 'too_many'; bound: 'minute' | 'room'; max: number; freeAtMs: number; nowMs: number };

/** The bounds of one parent's sessions. */
export interface MintBounds {
  perMinute: number;
  /** How much of the store the live sessions may take. */
  maxBytes: number;
}

/** Estimated bytes that a session takes besides its record: keys, index, bookkeeping (measured). */
const overheadBytes = 680;
/** The counter of each limit. */
const counterBytes = 160;

/** Bytes of the store that a session takes, written as `record`. */
export function storedBytes({ limits }: Session, record: string): number {
  return overheadBytes + counterBytes * limits.length + Buffer.byteLength(record);
}

/** The id of the n-th limit of a session. The part before the slash names the key of its counter. */
export function sessionLimitId(session: string, index: number): string {
  return `${session}/${index}`;
}

/** The session whose limit this is, or `@` for the gateway; null for one of a team, user or token. */
export function counterKeyOfLimit(id: string): string | null {
  const slash = id.indexOf('/');
  return slash < 0 ? null : id.slice(0, slash);
}
