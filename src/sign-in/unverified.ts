import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import { invalidRequest, type SignInRefusal } from './oauth-error.ts';

/** The largest ID tokens, of providers that put groups into them, have some KiB. */
const maxLength = 16_384;

/** Three parts in base64url, none empty, nothing around them: RFC 7515, 7.1. */
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * The issuer that a token claims to be from. Do not believe it before the signature is verified. Refuses a text that is
 * too long, is no signed JWT in compact form, or has a header that an ID token has no use for. Pure.
 */
export function claimedIssuer(text: string): string | SignInRefusal {
  if (text.length > maxLength) return invalidRequest(`The ID token is longer than ${maxLength} characters.`);
  if (!compactJws.test(text)) {
    return invalidRequest(
      text.split('.').length === 5
        ? 'The ID token is encrypted; have the issuer send signed ones only.'
        : 'The subject_token is not a signed JWT (RFC 7519); send the ID token of the issuer as it is.',
    );
  }
  const decoded = decode(text);
  if (decoded === null) return invalidRequest('The subject_token cannot be decoded as a JWT (RFC 7519).');
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
 * `crit` names extensions that must be understood, and none is (RFC 7515, 4.1.11). Another `typ` marks a JWT for
 * another purpose, such as `at+jwt` and `logout+jwt` (RFC 8725, 3.11); ID tokens have `JWT` or none.
 */
function checkHeader(header: ProtectedHeaderParameters): SignInRefusal | null {
  const { crit, typ }: Readonly<Record<string, unknown>> = header; // anything: only decoded so far
  if (crit !== undefined)
    return invalidRequest('The ID token has a crit header, and no extension is supported here.');
  if (typ !== undefined && !(typeof typ === 'string' && /^(?:application\/)?jwt$/i.test(typ))) {
    return invalidRequest(
      'The typ header of the token is not JWT; send an ID token, not another token of the issuer.',
    );
  }
  return null;
}

function issuerOf(claims: JWTPayload): string | SignInRefusal {
  const iss: unknown = claims.iss;
  if (typeof iss === 'string') return iss;
  return invalidRequest('The ID token has no iss claim; send the ID token of a trusted issuer.');
}
