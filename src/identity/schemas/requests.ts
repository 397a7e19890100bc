import { z } from 'zod';
import { administratorRoles } from '../../base/actor.ts';
import type { Clock } from '../../base/clock.ts';
import { tags } from '../../base/tags.ts';
import { bodyBytes, dearerFallback, frames, sessionProof, subject, tagKeys } from '../records/identity.ts';
import { mostToCome, priceAmounts } from '../records/model-price.ts';
import {
  email,
  endUserLimits,
  limitsAt,
  listOf,
  model,
  name,
  origin,
  slug,
  storedTime,
  tool,
} from '../../base/fields.ts';

/* The bodies that make and change identities (contract 1.6). Null means absent when creating, and clears when changing. */

/** The schemas of users. The endpoints of limits must be among the paths given, here as below. */
export function userSchemas(endpointPaths: readonly string[]) {
  const fields = {
    name: name.nullish(),
    email: email.nullish(),
    subject: subject.nullish(),
    limits: limitsAt(endpointPaths).nullish(),
  };
  return { newUser: z.strictObject({ id: slug, ...fields }), userChange: z.strictObject(fields) };
}

/** The schemas of teams. `endpoints` must be among the paths given. */
export function teamSchemas(endpointPaths: readonly string[]) {
  const fields = {
    name: name.nullish(),
    limits: limitsAt(endpointPaths).nullish(),
    end_user_limits: limitsAt(endpointPaths, endUserLimits).nullish(),
    ...allowLists(endpointPaths),
    dearer_fallback: dearerFallback.nullish(),
    tag_keys: tagKeys.nullish(),
  };
  return { newTeam: z.strictObject({ id: slug, ...fields }), teamChange: z.strictObject(fields) };
}

/** What a team or a token may use. */
function allowLists(endpointPaths: readonly string[]) {
  const endpoint = z.enum(endpointPaths, `must be one of ${endpointPaths.join(', ')}`);
  return {
    models: listOf(model).nullish(),
    endpoints: listOf(endpoint).nullish(),
    origins: listOf(origin).nullish(),
    tools: listOf(tool).nullish(),
  };
}

export type NewTeam = z.infer<ReturnType<typeof teamSchemas>['newTeam']>;
export type NewUser = z.infer<ReturnType<typeof userSchemas>['newUser']>;

/** A hundred years: longer than any use, and still a valid date. */
const maxExpiresInS = 100 * 366 * 24 * 3600;

const expiresIn = z
  .int('must be a whole number of seconds')
  .min(1, 'must be at least 1 second')
  .max(maxExpiresInS, `must be at most ${maxExpiresInS} seconds`);
/** A time in the future. */
function futureTime(clock: Clock) {
  return storedTime.refine((text) => Date.parse(text) > clock.now(), 'must be in the future');
}

/** Whether a token is handed over by a link instead of its text. */
const claim = z.boolean('must be true or false');

/** The schemas of tokens. `endpoints` must be among the paths given, `expires_at` in the future. */
export function tokenSchemas({ endpointPaths, clock }: { endpointPaths: readonly string[]; clock: Clock }) {
  const fields = {
    name: name.nullish(),
    expires_in: expiresIn.nullish(),
    expires_at: futureTime(clock).nullish(),
    ...allowLists(endpointPaths),
    limits: limitsAt(endpointPaths).nullish(),
    end_user_limits: limitsAt(endpointPaths, endUserLimits).nullish(),
    max_session_body_bytes: bodyBytes.nullish(),
    frames: frames.nullish(),
    session_proof: sessionProof.nullish(),
    tags: tags.nullish(),
    request_tags: tagKeys.nullish(),
  };
  return {
    newToken: z
      .strictObject({ user: slug, claim: claim.nullish(), ...fields })
      .refine(hasOneExpiry, oneExpiry),
    tokenChange: z.strictObject(fields).refine(hasOneExpiry, oneExpiry),
  };
}

const oneExpiry = {
  path: ['expires_at'],
  error: 'excludes expires_in: send one of them',
  when: always,
};

function hasOneExpiry(token: { expires_in?: unknown; expires_at?: unknown }): boolean {
  return (token.expires_in ?? null) === null || (token.expires_at ?? null) === null;
}

/** For `when`: checks a field even if other fields are wrong, so that one answer lists all problems. */
function always(): boolean {
  return true;
}

export type NewToken = z.infer<ReturnType<typeof tokenSchemas>['newToken']>;
export type TokenChange = z.infer<ReturnType<typeof tokenSchemas>['tokenChange']>;

/** The body of `POST /admin/admins`. */
export function administratorSchema(clock: Clock) {
  const teams = { path: ['teams'], when: always };
  return z
    .strictObject({
      name: name.nullish(),
      role: z.enum(administratorRoles, `must be one of ${administratorRoles.join(', ')}`),
      teams: listOf(slug)
        .refine((ids) => ids.length > 0, 'must name a team')
        .nullish(),
      expires_in: expiresIn.nullish(),
      expires_at: futureTime(clock).nullish(),
    })
    .refine(hasOneExpiry, oneExpiry)
    .refine((asked) => asked.role !== 'team-admin' || (asked.teams ?? null) !== null, {
      ...teams,
      error: 'is required for a team-admin: the teams it runs',
    })
    .refine((asked) => asked.role !== 'admin' || (asked.teams ?? null) === null, {
      ...teams,
      error: 'is not for an admin, who has all teams: make a team-admin, or leave it out',
    });
}

export type NewAdministrator = z.infer<ReturnType<typeof administratorSchema>>;

export const defaultOverlapS = 86_400;
const maxOverlapS = 30 * 86_400;
const overlapExpected = `must be a whole number of seconds from 0 to ${maxOverlapS} (30 days)`;
export const overlap = z.int(overlapExpected).min(0, overlapExpected).max(maxOverlapS, overlapExpected);

/** The body of `POST …/tokens/:id/rotate`. */
export const rotation = z.strictObject({ overlap_seconds: overlap.nullish(), claim: claim.nullish() });

/** The body of `POST /v1/me/rotate`. */
export const ownRotation = z.strictObject({ overlap_seconds: overlap.nullish() });

/** A moment, or the day that begins with it. */
const start = z
  .string()
  .transform((text) => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00.000Z` : text))
  .pipe(storedTime)
  .meta({ description: 'A UTC day such as 2027-01-31, or an RFC 3339 time. Absent: now.' });

/** The body of `PUT /admin/prices/:model`. */
export const priceChange = z.strictObject({
  prices: z
    .array(z.strictObject({ from: start.exactOptional(), ...priceAmounts }))
    .max(mostToCome, `must have at most ${mostToCome} prices`)
    .refine((list) => new Set(list.map(({ from }) => from)).size === list.length, {
      error: 'must have each from once, and at most one price without it',
    }),
});
export type PriceChange = z.infer<typeof priceChange>;

/** The schema of the body of `PATCH /admin/settings`. */
export function settingsSchema(endpointPaths: readonly string[]) {
  const own = limitsAt(endpointPaths).nullish();
  const defaultsOf = z.strictObject({ limits: own }).nullish();
  const defaults = z.strictObject({ team: defaultsOf, user: defaultsOf, token: defaultsOf }).nullish();
  const ofEndUsers = limitsAt(endpointPaths, endUserLimits).nullish();
  return z.strictObject({ limits: own, end_user_limits: ofEndUsers, defaults });
}
export type SettingsChange = z.infer<ReturnType<typeof settingsSchema>>;
