import * as oauth from 'oauth4webapi';
import { Refusal } from '../base/refusal.ts';

/** A provider that cannot be asked, or answers what none should. It says nothing about the person. */
export class ProviderTrouble extends Error {
  override readonly name = 'ProviderTrouble';
  /** For the person: what is wrong, and what to do. */
  readonly told: string;
  /** For the log: no part of an answer, which may be a token. */
  readonly reason: string;

  constructor(told: string, reason: string) {
    super(told);
    this.told = told;
    this.reason = reason;
  }
}

/** Why a provider sent the browser back without a code, or with one that is not for this sign-in. */
export function refusedAnswer(error: unknown, label: string): Refusal | ProviderTrouble {
  if (!(error instanceof oauth.AuthorizationResponseError)) return notThisSignIn();
  switch (error.error) {
    case 'access_denied':
    case 'login_required':
    case 'consent_required':
    case 'interaction_required':
    case 'account_selection_required':
      return new Refusal('invalid_token', `${label} did not sign you in, or you cancelled. Try again.`);
    default:
      return misconfigured(label, codeOf(error.error));
  }
}

/** Why no ID token came for a code. */
export function failedExchange(error: unknown, label: string): Refusal | ProviderTrouble {
  if (error instanceof oauth.ResponseBodyError) {
    return error.error === 'invalid_grant' ? usedUp(label) : misconfigured(label, codeOf(error.error));
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) return misconfigured(label, 'invalid_client');
  if (error instanceof oauth.OperationProcessingError) {
    switch (error.code) {
      case oauth.JWT_TIMESTAMP_CHECK:
        return notGood(`The ID token of ${label} has expired, or is not valid yet: check the clocks.`);
      case oauth.JWT_CLAIM_COMPARISON:
        return notGood(`The ID token of ${label} is not for this sign-in.`);
      default:
        return misconfigured(label, codeOf(error.code));
    }
  }
  if (error instanceof oauth.UnsupportedOperationError) return misconfigured(label, codeOf(error.code));
  return away(label, error);
}

export function away(label: string, error: unknown): ProviderTrouble {
  const told = `${label} cannot be reached at the moment. Try again in a few seconds, or sign in with a credential.`;
  const { name = 'unknown', message = '' } = error instanceof Error ? error : {};
  return new ProviderTrouble(told, `${name}: ${message}`);
}

export function notThisSignIn(): Refusal {
  return notGood('This sign-in did not begin in this browser, or took too long.');
}

function usedUp(label: string): Refusal {
  return notGood(`${label} says that this sign-in was used already, or has expired.`);
}

function notGood(why: string): Refusal {
  return new Refusal('invalid_token', `${why} Sign in again.`);
}

export function misconfigured(label: string, reason: string): ProviderTrouble {
  const told = `${label} does not accept the sign-in of this gateway. Ask the operator to look into the log: the client id, its secret or the redirect URI may be wrong.`;
  return new ProviderTrouble(told, reason);
}

/** An error code as OAuth has them; other texts are not repeated. */
function codeOf(code: string | undefined): string {
  return code !== undefined && /^[A-Za-z_]{1,60}$/.test(code) ? code : 'an unknown error';
}
