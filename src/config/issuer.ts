import type { AdministratorRole } from '../base/actor.ts';
import type { JsonObject } from '../base/request.ts';
import type { SessionProof } from '../base/session-proof.ts';

/** Which team a person belongs to who signs in with this issuer's ID token. */
export type TeamRule =
  | { readonly kind: 'fixed'; readonly team: string }
  | {
      readonly kind: 'claim';
      readonly claim: string;
      /** Claim value → team id. */
      readonly teams: Readonly<Record<string, string>>;
    };

export type ClaimValue = string | number | boolean;

/** Whose claim has one of the values has the role, in the console. */
export interface RoleRule {
  readonly claim: string;
  readonly values: readonly ClaimValue[];
  readonly role: AdministratorRole;
  /** The teams that it is limited to; null: all of them. */
  readonly teams: readonly string[] | null;
}

/** Where providers send browsers back to: operators register it, after the gateway's own address. */
export const consoleCallbackPath = '/console/callback';

/** The gateway as a client of an issuer, for signing in to the console. */
export interface ConsoleClient {
  readonly clientId: string;
  /** Null: a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
  readonly scopes: readonly string[];
  /** What the button calls the issuer. */
  readonly label: string;
  readonly roles: readonly RoleRule[];
}

/** An OpenID provider whose ID tokens people may sign in with. */
export interface TrustedIssuer {
  /** As the `iss` claim has it, compared character by character (OIDC Core 3.1.3.7, 2). */
  readonly issuer: string;
  /** Where its keys are; null: ask its discovery document. */
  readonly jwksUri: string | null;
  /** Client ids; the `aud` claim must have one of them. */
  readonly audiences: readonly string[];
  /** JWS algorithms (RFC 7518, 3.1) that may sign its tokens; asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** Whether people the operator does not know can get an account there. */
  readonly isPublic: boolean;
  readonly team: TeamRule;
  /** Claim → values; the claim must have one of them. */
  readonly require: Readonly<Record<string, readonly ClaimValue[]>>;
  /** Whether a first sign-in creates the user, or the user must exist already. */
  readonly users: 'create' | 'existing';
  /** `"email_verified": "true"`, a text, counts as verified; absent: it does not. */
  readonly takesTextEmailVerified?: true;
  /** How often one ID token may be exchanged. */
  readonly maxExchanges: number;
  /** What its sessions must prove; absent: they are bound to a key if their page sends a proof. */
  readonly sessionProof?: SessionProof;
  /**
   * The policy of its sessions, in the shape that the sessions API takes. Its limits are each person's, over all
   * sessions.
   */
  readonly session: JsonObject;
  /** What each person may use over all sessions, counted as an end user's. Absent: no such limits. */
  readonly person?: JsonObject;
  /** Absent: the console has no sign-in with this issuer. */
  readonly console?: ConsoleClient;
}

const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Whether keys may be fetched from a URL: https, or http on this machine, without credentials in it.
 * Anyone who can change the answer on its way can sign tokens.
 */
export function isTrustworthyUrl(text: string): boolean {
  const url = /\s/.test(text) ? null : URL.parse(text); // the parser would drop white space
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.has(url.hostname));
}
