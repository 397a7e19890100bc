import { z } from 'zod';
import {
  email,
  endUser,
  endUserLimits,
  limits,
  listOf,
  model,
  name,
  label,
  named,
  origin,
  slug,
  storedTime,
  tool,
} from '../../base/fields.ts';
import type { AttemptBound, Limit, Raise, Scope, StoredLimit } from '../../base/limit.ts';
import { maxTags, tagKey, tags } from '../../base/tags.ts';
import { allFrames } from '../../base/request.ts';
import { sessionProofs } from '../../base/session-proof.ts';
import { mostSuspended } from './bounds.ts';
import { raises } from './raise.ts';
import type { Session } from './session.ts';

/*
 * Who is who (contract 1.3): the fields of records, for imports and for answers, which have no ids of limits. Times are
 * RFC 3339 UTC. A list that is null restricts nothing.
 */

/** A record as it is stored: its limits have ids. */
export type Stored<R extends { limits: Limit[] }> = Omit<R, 'limits'> & { limits: StoredLimit[] };

export const dearerFallback = z.boolean('must be true or false');

const restriction = { description: 'null restricts nothing.' };
const onlyFunctions = { description: 'null: plain functions only.' };

const ofEndUsers = endUserLimits.nullish().meta({
  description: 'What each end user may use over all of their sessions; null: no such limits.',
});

/** An end user whose requests are refused. */
export const suspendedEndUser = z.strictObject({ end_user: endUser, suspended_at: storedTime });

/** Looser than in a request: an import may come from a gateway that serves more endpoints. */
const endpointPath = named(
  z.string().regex(/^\/[A-Za-z0-9._/-]{1,127}$/, 'must be a path such as /v1/chat/completions'),
);

/** The tags that a team's requests may have: few, because each day's sums have a row for each of their values. */
export const tagKeys = z
  .array(tagKey)
  .max(maxTags, `must have at most ${maxTags} entries`)
  .transform((keys) => [...new Set(keys)]);

const perRequest = { description: 'Keys that each request may set by x-tollgate-tags; null: none.' };

export const teamFields = z.strictObject({
  id: slug,
  name: name.nullable(),
  limits,
  /** These four bound what its tokens and their sessions may do. */
  models: listOf(model).nullable().meta(restriction),
  endpoints: listOf(endpointPath).nullish().meta(restriction),
  origins: listOf(origin).nullish().meta(restriction),
  tools: listOf(tool).nullish().meta(onlyFunctions),
  dearer_fallback: dearerFallback.nullish().meta({
    description: 'true: a fallback model may cost more than the model asked for.',
  }),
  tag_keys: tagKeys.nullish().meta({ description: 'The tags that its requests may have; null: none.' }),
  suspended_at: storedTime.nullish().meta({ description: 'Since when its requests are refused.' }),
  raises,
  end_user_limits: ofEndUsers,
  suspended_end_users: z
    .array(suspendedEndUser)
    .max(mostSuspended, `must have at most ${mostSuspended} entries`)
    .nullish(),
  created_at: storedTime,
});
export type Team = Stored<z.infer<typeof teamFields>>;

/** An account at an OpenID provider. Only these two together identify it for good (OIDC Core 5.7). */
export const subject = z.strictObject({
  issuer: label().min(1, 'must not be empty').max(1_000, 'must have at most 1000 characters'),
  sub: label().min(1, 'must not be empty').max(255, 'must have at most 255 characters'),
});
export type Subject = z.infer<typeof subject>;

export const userFields = z.strictObject({
  id: slug,
  team: slug,
  name: name.nullable(),
  email: email.nullable(),
  subject: subject.nullish().meta({ description: 'The account at an issuer that signs in as this user.' }),
  suspended_at: storedTime.nullish().meta({ description: 'Since when its requests are refused.' }),
  limits,
  raises,
  created_at: storedTime,
});
export type User = Stored<z.infer<typeof userFields>>;

/** Empty if nobody holds a secret. */
const prefix = z
  .string()
  .regex(/^(?:tgk_[0-9A-Za-z]{8})?$/, 'must be the first 12 characters of a token, or ""');

/** A text that a token is called with; rotation makes a new one. */
const tokenSecret = z.strictObject({
  /** SHA-256 of the text. */
  hash: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be a SHA-256 as base64url'),
  prefix,
  created_at: storedTime,
  /** When it ends, by the store's clock; null for the newest. */
  expires_at: storedTime.nullable(),
});
export type TokenSecret = z.infer<typeof tokenSecret>;

export const bodyBytes = z
  .int('must be a whole number of bytes')
  .min(1, 'must be at least 1 byte')
  .max(268_435_456, 'must be at most 268435456 bytes (256 MiB)');

export const frames = z.enum(allFrames, `must be ${allFrames.join(', ')}`);

export const sessionProof = z.enum(sessionProofs, `must be one of ${sessionProofs.join(', ')}`);

export const tokenFields = z.strictObject({
  id: z.string().regex(/^tok_[0-9A-Za-z]{1,64}$/, 'must be a token id such as tok_…'),
  team: slug,
  user: slug,
  name: name.nullable(),
  prefix: prefix.meta({ description: 'The first characters of the newest secret.' }),
  /** Its latest two secrets, the newest first. Absent if it has only the one it was made with. */
  secrets: z
    .array(tokenSecret)
    .min(1, 'must have a secret; leave it out of a token that was never rotated')
    .max(8, 'must have at most 8 secrets')
    .exactOptional(),
  models: listOf(model).nullable().meta(restriction),
  endpoints: listOf(endpointPath).nullable().meta(restriction),
  origins: listOf(origin).nullable().meta(restriction),
  tools: listOf(tool).nullable().meta(onlyFunctions),
  limits,
  end_user_limits: ofEndUsers,
  max_session_body_bytes: bodyBytes.nullish().meta({ description: 'Of its sessions; null: 1 MiB.' }),
  frames: frames
    .nullish()
    .meta({ description: "openai: streams of chat get OpenAI's exact frames; null: as they come." }),
  session_proof: sessionProof.nullish().meta({
    description:
      'Its sessions are bound to a key of their page (RFC 9449): required; nonce: with a nonce in each proof; once: and each proof works once. Absent or null: only those made so.',
  }),
  tags: tags.nullish(),
  request_tags: tagKeys.nullish().meta(perRequest),
  expires_at: storedTime.nullable(),
  revoked_at: storedTime.nullable(),
  revoked_because: z
    .enum(['leaked'])
    .exactOptional()
    .meta({ description: 'leaked: somebody had found its text. Absent: its administrator knows why.' }),
  raises,
  created_at: storedTime,
});
export type Token = Stored<z.infer<typeof tokenFields>>;

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
  /** What the gateway lets each end user of each team use; absent: it has no such limits. */
  gatewayEndUsers?: readonly Limit[];
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
  /** The how many-th it is of an end user's limits that count the same; absent: the first. */
  nth?: number;
  /** What raises it, in part perhaps no longer; absent: nothing. */
  raises?: readonly Raise[];
}

/** What a caller may use: what its team, its token and its session all allow. Null restricts nothing. */
export interface Policy {
  models: readonly string[] | null;
  endpoints: readonly string[] | null;
  /** Tools that run elsewhere. */
  tools: readonly string[];
}

/** What a request with a session must prove: RFC 9449. */
export interface ProofRule {
  /** The thumbprint of the key that the session is bound to; null: it must be bound, and is not. */
  jkt: string | null;
  /** Each proof must have a nonce of the gateway's. */
  nonce: boolean;
  /** Each proof works once. */
  once: boolean;
}

/** What tags the requests of a caller have. */
export interface CallerTags {
  /** Those of every request, as a text: see `base/tags.ts`. */
  readonly fixed: string;
  /** Keys that a request may set by its header. */
  readonly perRequest: readonly string[];
  /** Whether a limit counts only requests with some tags. */
  readonly inLimits: boolean;
}

/** Who is calling: an identity made ready for the hot path. Immutable; shared by concurrent requests. */
export interface Principal {
  identity: Identity;
  credential: Credential;
  /** Whom its session is for: in entries and reports, for limits and suspension. Null for a token, and if it names nobody. */
  endUser: string | null;
  policy: Policy;
  tags: CallerTags;
  /** Longest window first, so that a refusal names the limit that matters. */
  limits: readonly ScopedLimit[];
  /** Of its token, and of its session if it is one. */
  attempts: readonly AttemptBound[];
  /** Null: its requests need no proof. */
  proof: ProofRule | null;
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

/** The fields of a user that no other user of the team may have: `unshared.ts`. */
export type UnsharedField = 'email' | 'subject';
/** What a store answers if another user has that field. */
export type Taken = `${UnsharedField}_taken`;

/** `full`: the team has as many users or tokens as it may have, or they take as many bytes. */
export type CreateResult = 'created' | 'exists' | 'no_team' | 'no_user' | Taken | 'full';
export type ReplaceResult = 'replaced' | 'conflict' | Taken | 'full';
