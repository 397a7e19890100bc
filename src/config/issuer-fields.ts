import { z } from 'zod';

/* Fields that several parts of an issuer's entry have. */

export const notEmpty = z
  .string()
  .min(1, 'expected at least one character')
  .max(1_000, 'expected at most 1000 characters');

export const team = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,38}$/, 'expected a team id: 1 to 39 of a-z, 0-9 and -, not beginning with -');

const claimValue = z.union([z.string(), z.number(), z.boolean()], {
  error: 'expected a string, a number, true or false',
});

export const claimValues = z.array(claimValue).min(1, 'expected at least one value that the claim may have');

/** Claims that are the same in all ID tokens of an issuer. */
const commonClaims = ['iss', 'aud', 'azp', 'email_verified'];

/** Claims that people may write themselves: OIDC Core 5.1 and 5.7. The address counts once the issuer has verified it. */
const ownWords = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
  'address',
];

const unrestricting: ReadonlySet<string> = new Set([...commonClaims, ...ownWords]);

/** Whether asking for a value of a claim leaves somebody out: not everyone can have it. */
export function restrictsByClaim(claim: string): boolean {
  return !unrestricting.has(claim);
}
