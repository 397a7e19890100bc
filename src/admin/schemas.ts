import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../core/request.ts';
import { invalidBody, type ErrorCode, type Problem, type Refusal } from '../core/refusal.ts';
import { email, limits, listOf, model, name, origin, slug, tool } from './fields.ts';

/* The bodies of contract 1.6. A field that is null is absent when creating, and cleared when changing. */

const teamFields = {
  name: name.nullish(),
  limits: limits.nullish(),
  models: listOf(model).nullish(),
};
const userFields = {
  name: name.nullish(),
  email: email.nullish(),
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

const expiresIn = z
  .int('must be a whole number of seconds')
  .min(1, 'must be at least 1 second')
  .max(maxExpiresInS, `must be at most ${maxExpiresInS} seconds`);
const rfc3339 = z.iso.datetime({
  offset: true,
  abort: true,
  error: 'must be an RFC 3339 time such as 2027-01-31T00:00:00Z',
});

/** The schemas of tokens: `endpoints` must be among those served here, `expires_at` still to come. */
export function tokenSchemas({ endpointPaths, clock }: { endpointPaths: readonly string[]; clock: Clock }) {
  const endpoint = z.enum(endpointPaths, `must be one of ${endpointPaths.join(', ')}`);
  const future = rfc3339.refine((text) => Date.parse(text) > clock.now(), 'must be in the future');
  const fields = {
    name: name.nullish(),
    expires_in: expiresIn.nullish(),
    expires_at: future.nullish(),
    models: listOf(model).nullish(),
    endpoints: listOf(endpoint).nullish(),
    origins: listOf(origin).nullish(),
    tools: listOf(tool).nullish(),
    limits: limits.nullish(),
  };
  return {
    newToken: z.strictObject({ user: slug, ...fields }).refine(hasOneExpiry, oneExpiry),
    tokenChange: z.strictObject(fields).refine(hasOneExpiry, oneExpiry),
  };
}

/** `when`: told also where other fields are wrong, so that all problems come at once. */
const oneExpiry = {
  path: ['expires_at'],
  error: 'excludes expires_in: send one of them',
  when: () => true,
};

function hasOneExpiry(token: { expires_in?: unknown; expires_at?: unknown }): boolean {
  return (token.expires_in ?? null) === null || (token.expires_at ?? null) === null;
}

export type NewToken = z.infer<ReturnType<typeof tokenSchemas>['newToken']>;
export type TokenChange = z.infer<ReturnType<typeof tokenSchemas>['tokenChange']>;

export type Checked<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

/** A value by a schema, or the refusal that names everything wrong with it. */
export function check<T>(
  schema: z.ZodType<T>,
  value: JsonObject | Record<string, string>,
  code: ErrorCode = 'invalid_body',
): Checked<T> {
  const result = schema.safeParse(value, { error: describe });
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, refusal: invalidBody(result.error.issues.flatMap(problemsOf), code) };
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => problem([...path, key], 'is not a field known here'));
  }
  return [problem(path, issue.message)];
}

/** For what the schemas leave unsaid: a wrong type, or nothing where something must be. */
function describe(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.input === undefined ? 'is required' : `must be of type ${issue.expected}`;
}

function problem(path: readonly string[], message: string): Problem {
  const param = path.join('.');
  return { param, message: `${param} ${message}.` };
}
