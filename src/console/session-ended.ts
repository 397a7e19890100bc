import { Refusal } from '../base/refusal.ts';

/* Why a session of the console is no longer one. */

export function ended(): Refusal {
  return new Refusal('expired_token', 'Your session has ended. Sign in again.');
}

/** `what` is what changed, such as "Your token". */
export function changed(what: string): Refusal {
  return new Refusal('revoked_token', `${what} has changed since you signed in. Sign in again.`);
}
