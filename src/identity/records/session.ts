import { hash } from 'node:crypto';
import { z } from 'zod';
import { limitIdentity, time } from '../../base/fields.ts';
import type { Limit, StoredLimit } from '../../base/limit.ts';
import type { JsonObject } from '../../base/request.ts';
import { tags } from '../../base/tags.ts';

/** The fields that a session fixes in every request. It belongs to one endpoint. */
export interface Pinned {
  /** The path, such as `/v1/chat/completions`: the session admits no other. */
  endpoint: string;
  /** The holder cannot change these. Pinned `messages` come before those sent. */
  fields: JsonObject;
  /** The other fields that the holder may send. */
  allow: string[];
}

const text = z.string();

/** The key that a session is bound to, as RFC 7800 and RFC 9449, 6 have it. */
export const confirmation = z.strictObject({
  jkt: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, 'must be the SHA-256 thumbprint of a JWK (RFC 7638), as base64url')
    .meta({ description: 'Its thumbprint (RFC 7638).' }),
});
const list = z.array(text).nullable().meta({ description: "null adds no restriction to the token's." });

/** A session in answers, without its limits and its pinned request. */
export const sessionFields = z.object({
  id: text,
  models: list,
  endpoints: list,
  origins: list,
  tools: z.array(text).nullable().meta({ description: 'null: plain functions only.' }),
  tags: tags.exactOptional(),
  request_tags: z
    .array(text)
    .exactOptional()
    .meta({ description: 'Keys that each request may set by x-tollgate-tags. Absent: none.' }),
  /** The person the site made it for. The ledger records it. */
  end_user: text.nullable(),
  cnf: confirmation.exactOptional().meta({ description: 'The key that it is bound to; absent: none.' }),
  expires_at: time,
  created_at: time,
});

/**
 * A short-lived token for a page (`tgs_…`), narrower than the user's token that made it. It never changes. It
 * ends, expires, or stops working with its parent.
 */
export interface Session extends z.infer<typeof sessionFields> {
  /** Its own limits. Those of token, user and team apply too. */
  limits: StoredLimit[];
  /** What whoever signed in may use over all sessions, by the entry of their issuer. Absent: it says nothing. */
  end_user_limits?: Limit[];
  pinned: Pinned | null;
}

/** The id of the n-th limit of a session. The part before the slash names the key of its counter. */
export function sessionLimitId(session: string, index: number): string {
  return `${session}/${index}`;
}

/** The id of a limit that all sessions of a person share: it stays with the limit, as long as only `max` changes. */
export function sharedLimitId(person: string, limit: Limit): string {
  return `${person}-${hash('sha256', limitIdentity(limit), 'base64url').slice(0, 16)}`;
}

/** The session whose limit this is, or `@` for the gateway; null for one of a team, user, token or person. */
export function counterKeyOfLimit(id: string): string | null {
  const slash = id.indexOf('/');
  return slash < 0 ? null : id.slice(0, slash);
}
