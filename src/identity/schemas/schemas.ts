import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { email, limits, listOf, model, name, origin, slug, tool } from '../../base/fields.ts';
import { claim } from '../records/rotation.ts';

/* The bodies of contract 1.6. A field that is null is absent when creating, and cleared when changing. */

const teamFields = {
  name: name.nullish(),
  limits: limits.nullish(),
  models: listOf(model).nullish(),
};
const subject = z.strictObject({
  issuer: z.string().min(1, 'must not be empty').max(1_000, 'must have at most 1000 characters'),
  sub: z.string().min(1, 'must not be empty').max(255, 'must have at most 255 characters'),
});
const userFields = {
  name: name.nullish(),
  email: email.nullish(),
  subject: subject.nullish(),
  limits: limits.nullish(),
};

export const newTeam = z.strictObject({ id: slug, ...teamFields });
export const teamChange = z.strictObject(teamFields);
export const newUser = z.strictObject({ id: slug, ...userFields });
export const userChange = z.strictObject(userFields);

export type NewTeam = z.infer<typeof newTeam>;
export type TeamChange = z.infer<typeof teamChange>;
export type NewUser = z.infer<typeof newUser>;
export type UserChange = z.infer<typeof userChange>;

/** A hundred years: what a date can hold, and past any use. */
const maxExpiresInS = 100 * 366 * 24 * 3600;

export const expiresIn = z
  .int('must be a whole number of seconds')
  .min(1, 'must be at least 1 second')
  .max(maxExpiresInS, `must be at most ${maxExpiresInS} seconds`);
const rfc3339 = z.iso.datetime({
  offset: true,
  abort: true,
  error: 'must be an RFC 3339 time such as 2027-01-31T00:00:00Z',
});

const bodyBytes = z
  .int('must be a whole number of bytes')
  .min(1, 'must be at least 1 byte')
  .max(268_435_456, 'must be at most 268435456 bytes (256 MiB)');

/** A time that is still to come. */
export function futureTime(clock: Clock) {
  return rfc3339.refine((text) => Date.parse(text) > clock.now(), 'must be in the future');
}

/** The schemas of tokens: `endpoints` must be among those served here, `expires_at` still to come. */
export function tokenSchemas({ endpointPaths, clock }: { endpointPaths: readonly string[]; clock: Clock }) {
  const endpoint = z.enum(endpointPaths, `must be one of ${endpointPaths.join(', ')}`);
  const fields = {
    name: name.nullish(),
    expires_in: expiresIn.nullish(),
    expires_at: futureTime(clock).nullish(),
    models: listOf(model).nullish(),
    endpoints: listOf(endpoint).nullish(),
    origins: listOf(origin).nullish(),
    tools: listOf(tool).nullish(),
    limits: limits.nullish(),
    max_session_body_bytes: bodyBytes.nullish(),
  };
  return {
    newToken: z
      .strictObject({ user: slug, claim: claim.nullish(), ...fields })
      .refine(hasOneExpiry, oneExpiry),
    tokenChange: z.strictObject(fields).refine(hasOneExpiry, oneExpiry),
  };
}

/** `when`: told also where other fields are wrong, so that all problems come at once. */
export const oneExpiry = {
  path: ['expires_at'],
  error: 'excludes expires_in: send one of them',
  when: () => true,
};

export function hasOneExpiry(token: { expires_in?: unknown; expires_at?: unknown }): boolean {
  return (token.expires_in ?? null) === null || (token.expires_at ?? null) === null;
}

export type NewToken = z.infer<ReturnType<typeof tokenSchemas>['newToken']>;
export type TokenChange = z.infer<ReturnType<typeof tokenSchemas>['tokenChange']>;
