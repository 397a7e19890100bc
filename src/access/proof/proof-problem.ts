import { type RefusedCaller, Refusal, type ErrorCode } from '../../base/refusal.ts';

/**
 * The signatures that proofs may have: what WebCrypto of browsers makes, and is cheap to check. Never `none` or a shared
 * secret (RFC 9449, 4.3). Ed25519 is the new name of EdDSA (RFC 9864).
 */
export const proofAlgorithms: readonly string[] = ['ES256', 'Ed25519', 'EdDSA', 'RS256', 'PS256'];

/** Why a proof is not accepted (RFC 9449, 7.1 and 9), for the API's errors and for those of OAuth. */
export interface ProofProblem {
  error: 'invalid_dpop_proof' | 'use_dpop_nonce';
  /** What is wrong and the remedy; never a part of the proof. */
  message: string;
  /** The nonce that the next proof must have; absent if none is asked for. */
  nonce?: string;
}

/** `what` goes on after "The DPoP proof is not valid: ". */
export function invalidProof(what: string): ProofProblem {
  return { error: 'invalid_dpop_proof', message: `The DPoP proof is not valid: ${what}.` };
}

export const noProof = invalidProof('there is none; send it in the header DPoP');

export function isProblem(value: object): value is ProofProblem {
  return 'error' in value;
}

/** The refusal of a request whose proof is not accepted. */
export function proofRefusal({ error, message, nonce }: ProofProblem, caller?: RefusedCaller): Refusal {
  return challenge(error, error, { message, caller, nonce });
}

/** The refusal of a session that is not sent the way it must be: RFC 9449, 7.2. */
export function sentWrongly(message: string, caller: RefusedCaller): Refusal {
  return challenge('invalid_token', 'invalid_token', { message, caller });
}

/**
 * The refusal of a session that has ended, in the words for how it was sent: a 401 names the scheme to use (RFC 9449, 7.1).
 */
export function inSchemeOf(authorization: string | undefined, refusal: Refusal): Refusal {
  const { code, message, details } = refusal;
  const isNamed = refusal.status !== 401 || details.headers?.['www-authenticate'] !== undefined;
  if (isNamed || !/^dpop +tgs_/i.test(authorization ?? '')) return refusal;
  const headers = { ...details.headers, 'www-authenticate': challengeOf('invalid_token') };
  return new Refusal(code, message, { ...details, headers });
}

function challengeOf(error: string): string {
  return `DPoP error="${error}", algs="${proofAlgorithms.join(' ')}"`;
}

function challenge(
  code: ErrorCode,
  error: string,
  {
    message,
    caller,
    nonce,
  }: { message: string; caller?: RefusedCaller | undefined; nonce?: string | undefined },
): Refusal {
  const headers = {
    'www-authenticate': challengeOf(error),
    ...(nonce === undefined ? {} : { 'dpop-nonce': nonce }),
  };
  return new Refusal(code, message, { headers, ...(caller ? { caller } : {}) });
}
