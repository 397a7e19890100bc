import type { JsonObject } from '../base/request.ts';

/** Which team a person belongs to who signs in with an ID token of an issuer. */
export type TeamRule =
  | { readonly kind: 'fixed'; readonly team: string }
  | {
      readonly kind: 'claim';
      readonly claim: string;
      /** Claim value → team id. */
      readonly teams: Readonly<Record<string, string>>;
    };

export type ClaimValue = string | number | boolean;

/** An OpenID provider whose ID tokens the operator lets people sign in with. */
export interface TrustedIssuer {
  /** As the `iss` claim has it, compared character by character (OIDC Core 3.1.3.7, 2). */
  readonly issuer: string;
  /** Where its keys are; null: discovery tells. */
  readonly jwksUri: string | null;
  /** Client ids, one of which the `aud` claim must have. */
  readonly audiences: readonly string[];
  /** JWS algorithms (RFC 7518, 3.1) its tokens may be signed with; asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** Whether people the operator does not know can get an account there. */
  readonly isPublic: boolean;
  readonly team: TeamRule;
  /** Claim → the values of which it must have one. */
  readonly require: Readonly<Record<string, readonly ClaimValue[]>>;
  /** Whether a first sign-in makes the user, or the user must have been made before. */
  readonly users: 'create' | 'existing';
  /** How often one ID token may be exchanged. */
  readonly maxExchanges: number;
  /** The policy of the sessions it gives, as the sessions' own API takes it. */
  readonly session: JsonObject;
}

const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Whether keys may be fetched from a URL: https, or http that stays on this machine, and no credentials in it.
 * Whoever can change the answer on its way can sign tokens.
 */
export function isTrustworthyUrl(text: string): boolean {
  const url = /\s/.test(text) ? null : URL.parse(text); // the parser would drop white space
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.has(url.hostname));
}
