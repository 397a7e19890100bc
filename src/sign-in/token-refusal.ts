import { errors } from 'jose';
import { KeysUnavailable } from './keys-unavailable.ts';
import { invalidRequest, SignInRefusal } from './oauth-error.ts';

const wrongAlgorithm = 'The ID token is signed with an algorithm that is not accepted for its issuer.';
const wrongSignature = 'The signature of the ID token is not by its issuer.';

/** By the `code` of jose's errors. */
const descriptions: ReadonlyMap<string, string> = new Map([
  [errors.JWTExpired.code, 'The ID token has expired; get a new one from the issuer.'],
  [errors.JOSEAlgNotAllowed.code, wrongAlgorithm],
  [errors.JOSENotSupported.code, wrongAlgorithm],
  [errors.JWSSignatureVerificationFailed.code, wrongSignature],
  [
    errors.JWKSNoMatchingKey.code,
    'The ID token is signed with a key its issuer does not publish; get a new one from the issuer.',
  ],
  [
    errors.JWKSMultipleMatchingKeys.code,
    'Several keys of the issuer could have signed the ID token; its kid header must name one.',
  ],
]);

/** By the name of the claim. */
const claimDescriptions: ReadonlyMap<string, string> = new Map([
  [
    'aud',
    'The aud claim of the ID token names no client of this gateway; sign in with one that the operator lists.',
  ],
  ['nbf', 'The ID token is not valid yet by its nbf claim: check the clocks of issuer and gateway.'],
]);

/**
 * The refusal of a token that `jwtVerify` rejected: `temporarily_unavailable` if the keys are not available,
 * `invalid_request` for anything else (RFC 8693, 2.2.2). Pure.
 */
export function refusalFor(error: unknown): SignInRefusal {
  if (error instanceof KeysUnavailable) {
    return new SignInRefusal(
      'temporarily_unavailable',
      'The keys of the issuer cannot be fetched at the moment; try again in a few seconds.',
      { cause: error.wasAsked ? error : undefined, retryAfterS: error.retryAfterS },
    );
  }
  return invalidRequest(describe(error));
}

function describe(error: unknown): string {
  const unknown = 'The ID token could not be verified; get a new one from the issuer.';
  if (!(error instanceof errors.JOSEError)) return unknown;
  if (!(error instanceof errors.JWTClaimValidationFailed)) return descriptions.get(error.code) ?? unknown;
  // Only required claims can be missing or malformed here, so the name is not the sender's text.
  return error.reason === 'check_failed'
    ? (claimDescriptions.get(error.claim) ?? unknown)
    : `The ${error.claim} claim of the ID token is missing or malformed; get an ID token from the issuer.`;
}
