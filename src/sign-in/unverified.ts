import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import { SignInRefusal } from './oauth-error.ts';

/** Far more than the largest ID tokens, those with groups, which have some KiB. */
const maxLength = 16_384;

/** Three parts in base64url, none empty, nothing around them: RFC 7515, 7.1. */
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * The issuer that a token claims to be from. Not to be trusted before the signature is verified. Refuses a text that is
 * too long, not a signed JWT in compact form, or has a header that an ID token cannot have. Pure.
 */
export function claimedIssuer(text: string): string | SignInRefusal {
  if (text.length > maxLength) return refuse(`The ID token is longer than ${maxLength} characters.`);
  if (!compactJws.test(text)) {
    return refuse(
      text.split('.').length === 5
        ? 'The ID token is encrypted; have the issuer send signed ones only.'
        : 'The subject_token is not a signed JWT (RFC 7519); send the ID token of the issuer as it is.',
    );
  }
  const decoded = decode(text);
  if (decoded === null) return refuse('The subject_token cannot be decoded as a JWT (RFC 7519).');
  return checkHeader(decoded.header) ?? issuerOf(decoded.claims);
}

function decode(text: string): { header: ProtectedHeaderParameters; claims: JWTPayload } | null {
  try {
    return { header: decodeProtectedHeader(text), claims: decodeJwt(text) };
  } catch {
    return null;
  }
}

/**
 * `crit` names extensions that must be understood, and none is (RFC 7515, 4.1.11). A `typ` of its own marks a JWT for
 * another purpose, such as `at+jwt` and `logout+jwt` (RFC 8725, 3.11); ID tokens have `JWT` or none.
 */
function checkHeader(header: ProtectedHeaderParameters): SignInRefusal | null {
  const { crit, typ }: Readonly<Record<string, unknown>> = header; // anything: only decoded so far
  if (crit !== undefined)
    return refuse('The ID token has a crit header, and no extension is understood here.');
  if (typ !== undefined && !(typeof typ === 'string' && /^(?:application\/)?jwt$/i.test(typ))) {
    return refuse(
      'The typ header of the token is not JWT; send an ID token, not another token of the issuer.',
    );
  }
  return null;
}

function issuerOf(claims: JWTPayload): string | SignInRefusal {
  const iss: unknown = claims.iss;
  if (typeof iss === 'string') return iss;
  return refuse('The ID token has no iss claim; send the ID token of a trusted issuer.');
}

function refuse(description: string): SignInRefusal {
  return new SignInRefusal('invalid_request', description);
}
