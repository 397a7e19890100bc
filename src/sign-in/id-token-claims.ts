import type { JWTPayload } from 'jose';
import { subject as account } from '../identity/records/identity.ts';
import { invalidRequest, type SignInRefusal } from './oauth-error.ts';

/** The latest time of a JavaScript `Date`. */
const maxTimeMs = 8.64e15;

/** The claims of a verified ID token, read. */
interface CheckedClaims {
  readonly subject: string;
  /** ms since the epoch. */
  readonly expiresAtMs: number;
}

interface ClaimRules {
  readonly audiences: readonly string[];
  readonly nowMs: number;
  readonly clockToleranceS: number;
}

/**
 * The checks of OIDC Core 3.1.3.7 that `jwtVerify` leaves to its caller: `azp`, and an `iat` in the future, and
 * the forms of `sub` and `exp`. Assumes that signature, `iss`, `aud`, `exp` and `nbf` were checked. Pure.
 */
export function checkClaims(claims: JWTPayload, rules: ClaimRules): CheckedClaims | SignInRefusal {
  const read = account.shape.sub.safeParse(claims.sub);
  if (!read.success) {
    const [issue] = read.error.issues;
    return invalidRequest(`The sub claim of the ID token ${issue?.message ?? 'must be a string'}.`);
  }
  const { data: subject } = read;
  const expiresAtMs = (claims.exp ?? Number.NaN) * 1_000;
  if (!(Math.abs(expiresAtMs) <= maxTimeMs))
    return invalidRequest('The exp claim of the ID token is not a time.');
  return checkIssuedAt(claims.iat, rules) ?? checkParty(claims, rules.audiences) ?? { subject, expiresAtMs };
}

function checkIssuedAt(iat: unknown, { nowMs, clockToleranceS }: ClaimRules): SignInRefusal | null {
  if (typeof iat !== 'number') return invalidRequest('The iat claim of the ID token is not a time.');
  if (iat <= nowMs / 1_000 + clockToleranceS) return null;
  return invalidRequest(
    'The ID token was issued in the future by its iat claim: check the clocks of issuer and gateway.',
  );
}

/** 3.1.3.7, 4 and 5: a token with several audiences must say that it was issued to one of our clients. */
function checkParty(claims: JWTPayload, audiences: readonly string[]): SignInRefusal | null {
  const azp = claims['azp'];
  if (azp === undefined) {
    if (!Array.isArray(claims.aud) || claims.aud.length < 2) return null;
    return invalidRequest(
      'The ID token has several audiences and no azp claim; ask the issuer for one for this client only.',
    );
  }
  if (typeof azp === 'string' && audiences.includes(azp)) return null;
  return invalidRequest(
    'The ID token was issued to another client by its azp claim; sign in with a client of this gateway.',
  );
}
