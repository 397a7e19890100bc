import { hash } from 'node:crypto';
import { jwtVerify } from 'jose';
import type { Clock } from '../base/clock.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import { checkClaims } from './id-token-claims.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { invalidRequest, SignInRefusal } from './oauth-error.ts';
import type { Claims } from './rules.ts';
import { refusalFor } from './token-refusal.ts';
import { claimedIssuer } from './unverified.ts';

export interface IdTokenVerifierOptions {
  readonly issuers: readonly TrustedIssuer[];
  readonly clock: Clock;
  /** For one fetch of keys or discovery; default 3 s. */
  readonly timeoutMs?: number;
  /** After a fetch of keys, how long an unknown key causes no other; default 30 s. After a failed one, at most 5 s. */
  readonly cooldownMs?: number;
  /** How long keys and discovery are used before they are fetched again; default 10 min. */
  readonly cacheMaxAgeMs?: number;
  /** How far the issuers' clocks may be off; default 30 s. */
  readonly clockToleranceS?: number;
}

export interface VerifiedIdToken {
  readonly issuer: TrustedIssuer;
  /** The `sub` claim: 1 to 255 characters. */
  readonly subject: string;
  readonly claims: Claims;
  /** ms since the epoch. It is accepted for `clockToleranceS` longer. */
  readonly expiresAtMs: number;
  /**
   * SHA-256, base64url, of header and payload as they were signed. The signature is left out: it can be written in
   * several ways (an ECDSA one even by others) while the token stays the same.
   */
  readonly replayKey: string;
}

/** Verifies ID tokens of the trusted issuers: OIDC Core 3.1.3.7, with keys the issuers publish. */
export class IdTokenVerifier {
  readonly #known: ReadonlyMap<string, { issuer: TrustedIssuer; keys: IssuerKeys }>;
  readonly #clock: Clock;
  readonly #clockToleranceS: number;

  constructor({ issuers, clock, clockToleranceS = 30, ...times }: IdTokenVerifierOptions) {
    const { timeoutMs = 3_000, cooldownMs = 30_000, cacheMaxAgeMs = 600_000 } = times;
    const keyTimes = { clock, timeoutMs, cooldownMs, cacheMaxAgeMs };
    this.#known = new Map(
      issuers.map((issuer) => [issuer.issuer, { issuer, keys: new IssuerKeys(issuer, keyTimes) }]),
    );
    this.#clock = clock;
    this.#clockToleranceS = clockToleranceS;
  }

  get hasIssuers(): boolean {
    return this.#known.size > 0;
  }

  /**
   * The token behind a text, or why it is not accepted: `invalid_request`, or `temporarily_unavailable` while the
   * keys of its issuer cannot be fetched. Takes at most two times `timeoutMs`; never rejects because of the text.
   * `audiences`: client ids in place of those of the issuer's entry.
   */
  async verify(text: string, audiences?: readonly string[]): Promise<VerifiedIdToken | SignInRefusal> {
    const claimed = claimedIssuer(text);
    if (claimed instanceof SignInRefusal) return claimed;
    const known = this.#known.get(claimed);
    if (known === undefined) {
      return invalidRequest(
        'The iss claim of the ID token is not a trusted issuer; it must be exactly one that the operator lists.',
      );
    }
    try {
      return await this.#verifyOf(known, text, audiences ?? known.issuer.audiences);
    } catch (error) {
      return refusalFor(error);
    }
  }

  async #verifyOf(
    { issuer, keys }: { issuer: TrustedIssuer; keys: IssuerKeys },
    text: string,
    audiences: readonly string[],
  ): Promise<VerifiedIdToken | SignInRefusal> {
    const nowMs = this.#clock.now();
    const { payload } = await jwtVerify(text, keys.keyFor, {
      algorithms: [...issuer.algorithms],
      issuer: issuer.issuer,
      audience: [...audiences],
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: this.#clockToleranceS,
      currentDate: new Date(nowMs),
    });
    const rules = { audiences, nowMs, clockToleranceS: this.#clockToleranceS };
    const checked = checkClaims(payload, rules);
    if (checked instanceof SignInRefusal) return checked;
    const replayKey = hash('sha256', text.slice(0, text.lastIndexOf('.')), 'base64url');
    return { issuer, ...checked, claims: claimsOf(issuer, payload), replayKey };
  }
}

/** Some providers write `email_verified` as a text, against OIDC Core 5.1: it counts if the issuer's entry says so. */
function claimsOf({ takesTextEmailVerified }: TrustedIssuer, payload: Claims): Claims {
  const isText = takesTextEmailVerified === true && Object.hasOwn(payload, 'email_verified');
  return isText && payload['email_verified'] === 'true' ? { ...payload, email_verified: true } : payload;
}
