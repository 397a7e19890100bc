import { z } from 'zod';
import { check } from '../base/check.ts';
import { endUser, limit, limitsAt, listOf, model, origin, tool, named } from '../base/fields.ts';
import type { Limit } from '../base/limit.ts';
import { type Problem, Refusal } from '../base/refusal.ts';
import { type JsonObject, valuesIn } from '../base/request.ts';
import { tags } from '../base/tags.ts';
import { tagKeys } from '../identity/records/identity.ts';
import { looksLikePerson } from '../identity/records/end-user.ts';
import { confirmation, sessionFields } from '../identity/records/session.ts';
import { endpointPaths, endpoints } from '../validation/registry.ts';
import { pinnedProblems } from './pinned.ts';

/* What `POST /v1/sessions` takes and answers, and what an issuer's entry says about its sessions. A field that is null is absent. */

const minLifeS = 10;
const maxLifeS = 86_400;
export const defaultLifeS = 900;

const lifeExpected = `must be a whole number of seconds from ${minLifeS} to ${maxLifeS}`;
const fieldName = named(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be the name of a field of the request'),
);

/** Bounded by number, because a parsed empty list takes twenty times its two bytes. */
const maxPinnedValues = 2_000;

const pinnedPaths = endpoints.map(({ path }) => path);
const pinnedRequest = z
  .looseObject({
    endpoint: z.enum(pinnedPaths, `must be one of ${pinnedPaths.join(', ')}`).nullish(),
    allow: listOf(fieldName).nullish(),
  })
  .refine((value) => valuesIn(value, maxPinnedValues) <= maxPinnedValues, {
    error: `must hold at most ${maxPinnedValues} values`,
  })
  // The rest are the fields of the request, JSON as they came in.
  .transform(({ endpoint, allow, ...fields }) => ({ endpoint, allow, fields: fields as JsonObject }));

const policy = {
  expires_in: z.int(lifeExpected).min(minLifeS, lifeExpected).max(maxLifeS, lifeExpected).nullish(),
  models: listOf(model).nullish(),
  endpoints: listOf(z.enum(endpointPaths, `must be one of ${endpointPaths.join(', ')}`)).nullish(),
  origins: listOf(origin).nullish(),
  tools: listOf(tool).nullish(),
  limits: limitsAt(endpointPaths).nullish(),
  pinned: pinnedRequest.nullish(),
  tags: tags.nullish(),
  request_tags: tagKeys.nullish(),
};

/** One of a site's own. People who signed in are end users of the team too, whose names nobody else gives. */
const siteEndUser = endUser.refine((name) => !looksLikePerson(name), {
  error: 'must not begin with oidc-, as the names of people who signed in with an ID token do',
});

export const newSession = z.strictObject({
  ...policy,
  end_user: siteEndUser.nullish(),
  cnf: confirmation.nullish().meta({
    description: 'Binds the session to a key of its page (RFC 9449): its requests need a proof by it.',
  }),
});

/** What an issuer's entry gives the sessions of the people it vouches for. */
const sessionPolicy = z.strictObject(policy);

export type NewSession = z.infer<typeof newSession>;

/** What is wrong with the policy of an issuer's entry; empty if it is valid. */
export function sessionPolicyProblems(session: JsonObject): readonly Problem[] {
  const checked = check<NewSession>(sessionPolicy, session);
  if (checked instanceof Refusal) return checked.details.problems ?? [];
  const { pinned: asked, endpoints: listed, tools } = checked;
  if (!asked) return [];
  const path = asked.endpoint ?? listed?.[0] ?? endpoints[0]?.path;
  const endpoint = endpoints.find((each) => each.path === path);
  if (!endpoint) return [];
  const whole = { fields: asked.fields, allow: asked.allow ?? [...endpoint.defaultAllow] };
  return pinnedProblems(endpoint, whole, { tools: tools ?? [], maxOutputTokens: () => null });
}

/** The policy of an issuer's entry, which was checked at start. */
export function sessionPolicyOf(session: JsonObject): NewSession {
  return sessionPolicy.parse(session);
}

/** What an issuer's entry lets each person use over all sessions. */
export function personLimitsOf(person: JsonObject = {}): Limit[] {
  return sessionPolicyOf(person).limits ?? [];
}

const text = z.string();

/** A session that was just created. */
export const mintedSessionResponse = z
  .object({
    ...sessionFields.shape,
    token: text.meta({ description: 'The secret itself, shown only this once.' }),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    limits: z.array(limit),
    pinned: z
      .looseObject({ endpoint: text, allow: z.array(text) })
      .nullable()
      .meta({ description: 'As it was asked for.' }),
  })
  .meta({ id: 'MintedSession' });
