import { z } from 'zod';
import type { OtherAnswer } from '../base/operation-docs.ts';

/**
 * Why a sign-in was refused, as OAuth error codes: RFC 6749 sections 5.2 and 4.1.2.1, RFC 8693 section 2.2.2
 * (`invalid_target`), RFC 9449 sections 5 and 8 (proofs), each with its HTTP status.
 */
const statuses = {
  invalid_request: 400,
  invalid_grant: 400,
  invalid_scope: 400,
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  invalid_target: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_client: 401,
  access_denied: 403,
  slow_down: 429,
  server_error: 500,
  temporarily_unavailable: 503,
} as const satisfies Record<string, SignInStatus>;

type SignInError = keyof typeof statuses;
type SignInStatus = 400 | 401 | 403 | 429 | 500 | 503;

/** What `error_description` must not have: all but printable ASCII without `"` and `\` (RFC 6749, 5.2). */
const notDescribable = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

/**
 * A refused sign-in, and why. A value, not an `Error`, like `Refusal`.
 *
 * A subject token that is not accepted, for whatever reason (malformed, expired, wrong audience, refused by a
 * rule), is an `invalid_request`: RFC 8693, 2.2.2 says MUST of tokens "invalid for any reason" and of those
 * "unacceptable based on policy" alike, so `invalid_grant` is not used for them.
 */
export class SignInRefusal {
  readonly error: SignInError;
  /** For the caller: what is wrong and the remedy, never the token. Printable ASCII without `"` and `\`. */
  readonly description: string;
  readonly status: SignInStatus;
  /** The internal cause, for the log and never for the caller; undefined if there is none. */
  readonly cause: unknown;
  /** When to try again, for `Retry-After`; null if that does not help. */
  readonly retryAfterS: number | null;
  /** The nonce that the next proof must have; null if none is asked for. */
  readonly nonce: string | null;

  /** Replaces characters that a description must not have by `?`: names of claims are the operator's text. */
  constructor(
    error: SignInError,
    description: string,
    details: {
      status?: SignInStatus;
      cause?: unknown;
      retryAfterS?: number;
      nonce?: string | undefined;
    } = {},
  ) {
    this.error = error;
    this.description = description.replace(notDescribable, '?');
    this.status = details.status ?? statuses[error];
    this.cause = details.cause;
    this.nonce = details.nonce ?? null;
    this.retryAfterS = details.retryAfterS ?? (this.status === 503 ? 1 : null);
  }
}

/** The refusal of a request, or of an ID token for whatever reason. */
export function invalidRequest(description: string): SignInRefusal {
  return new SignInRefusal('invalid_request', description);
}

/** The JSON body of a refusal: RFC 6749, 5.2. Pure. */
export function oauthErrorBody(refusal: SignInRefusal): { error: SignInError; error_description: string } {
  return { error: refusal.error, error_description: refusal.description };
}

const errorSchema = z
  .object({
    error: z.enum(Object.keys(statuses) as SignInError[]), // its keys are the errors
    error_description: z.string(),
  })
  .meta({ id: 'OAuthError' });

/** All refusals, for the API's description. */
export const refusalDocs: readonly OtherAnswer[] = [
  ...Map.groupBy(Object.entries(statuses), ([, status]) => status),
].map(([status, errors]) => ({
  status,
  description: `${errors.map(([error]) => `\`${error}\``).join(', ')}, in the shape of OAuth.`,
  schema: errorSchema,
}));
