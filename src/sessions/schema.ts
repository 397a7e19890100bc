import { z } from 'zod';
import { endUser, limits, listOf, model, origin, tool } from '../base/fields.ts';
import type { JsonObject } from '../base/request.ts';

/* The body of `POST /v1/sessions`. A field that is null is absent. */

export const minLifeS = 10;
export const maxLifeS = 86_400;
export const defaultLifeS = 900;

const lifeExpected = `must be a whole number of seconds from ${minLifeS} to ${maxLifeS}`;
const fieldName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be the name of a field of the request');

/** Parsed, an empty list takes twenty times its two bytes. */
const maxPinnedValues = 2_000;

/** Values inside a JSON value, itself included; stops counting beyond `most`. */
function countValues(value: unknown, most: number): number {
  let count = 1;
  if (typeof value !== 'object' || value === null) return count;
  for (const item of Object.values(value)) {
    count += countValues(item, most - count);
    if (count > most) break;
  }
  return count;
}

/** The schemas of sessions; `endpoints` must be among those served here, and a pinned request's one that takes a body. */
export function sessionSchemas({
  endpointPaths,
  pinnedPaths,
}: {
  endpointPaths: readonly string[];
  pinnedPaths: readonly string[];
}) {
  const endpoint = z.enum(endpointPaths, `must be one of ${endpointPaths.join(', ')}`);
  const pinnedEndpoint = z.enum(pinnedPaths, `must be one of ${pinnedPaths.join(', ')}`);
  const pinned = z
    .looseObject({ endpoint: pinnedEndpoint.nullish(), allow: listOf(fieldName).nullish() })
    .refine((value) => countValues(value, maxPinnedValues) <= maxPinnedValues, {
      error: `must hold at most ${maxPinnedValues} values`,
    })
    // The rest are the fields of the request, JSON as they came in.
    .transform(({ endpoint: path, allow, ...fields }) => ({
      endpoint: path,
      allow,
      fields: fields as JsonObject,
    }));
  const policy = {
    expires_in: z.int(lifeExpected).min(minLifeS, lifeExpected).max(maxLifeS, lifeExpected).nullish(),
    models: listOf(model).nullish(),
    endpoints: listOf(endpoint).nullish(),
    origins: listOf(origin).nullish(),
    tools: listOf(tool).nullish(),
    limits: limits.nullish(),
    pinned: pinned.nullish(),
  };
  return {
    newSession: z.strictObject({ ...policy, end_user: endUser.nullish() }),
    /** What an issuer of identities gives the sessions of those it vouches for. */
    sessionPolicy: z.strictObject(policy),
  };
}

export type NewSession = z.infer<ReturnType<typeof sessionSchemas>['newSession']>;
