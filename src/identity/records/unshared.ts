import { asciiLowerCase } from '../../base/ascii-case.ts';
import type { Taken, UnsharedField, User } from './identity.ts';

/*
 * What no two users of a team may share, since a sign-in finds its user by it: the address, and the account at an issuer.
 * Another team may have the same: a sign-in looks in the one team that its issuer's entry names.
 */

/** What they are, in words. */
export const describedFields: Readonly<Record<UnsharedField, string>> = {
  email: 'e-mail address',
  subject: 'account at an issuer',
};

/** The fields as they stand in a user's stored text, the address in lower case; '' for one that is not there. */
export type Unshared = Readonly<Record<UnsharedField, string>>;

export function unsharedOf({ email, subject }: Pick<User, 'email' | 'subject'>): Unshared {
  return {
    email: email ? asciiLowerCase(`"email":${JSON.stringify(email)}`) : '',
    subject: subject ? `"subject":${JSON.stringify({ issuer: subject.issuer, sub: subject.sub })}` : '',
  };
}

/** Those that a change sets: an address that stays may be one that two users have had for long. */
export function newlyUnshared(before: Pick<User, 'email' | 'subject'> | null, after: User): Unshared {
  const [was, is] = [before && unsharedOf(before), unsharedOf(after)];
  return {
    email: was?.email === is.email ? '' : is.email,
    subject: was?.subject === is.subject ? '' : is.subject,
  };
}

/** Whether two addresses are the same: but for the case of A to Z, byte for byte. */
export function isSameEmail(one: string, other: string): boolean {
  return asciiLowerCase(one) === asciiLowerCase(other);
}

export function takenField(taken: Taken): UnsharedField {
  return taken === 'email_taken' ? 'email' : 'subject';
}
