import { z } from 'zod';
import { administratorRoles } from '../base/actor.ts';
import type { ConsoleClient } from './issuer.ts';
import { claimValues, notEmpty, restrictsByClaim, team } from './issuer-fields.ts';

/* The part `console` of an issuer's entry: how people sign in to the console with it, and as what. */

/** RFC 6749, 3.3. */
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'expected a scope without blanks');

const roleRule = z
  .strictObject({
    $comment: z.string().optional(),
    claim: notEmpty.refine(restrictsByClaim, {
      error:
        'expected a claim that the issuer decides, such as "groups": people can choose this one, or all have it',
    }),
    values: claimValues,
    role: z.enum(administratorRoles, { error: `expected one of ${administratorRoles.join(', ')}` }),
    teams: z.array(team).min(1, 'expected at least one team').optional(),
  })
  .superRefine(({ role, teams }, context) => {
    const problem = (message: string): void => context.addIssue({ code: 'custom', path: ['teams'], message });
    if (role === 'team-admin' && teams === undefined) problem('expected the teams that a team-admin runs');
    if (role === 'admin' && teams !== undefined) problem('expected no teams: an admin has all of them');
  });

/** The schema. A secret is read from the variable that the entry names, so that it stands in no file. */
export function consoleClientIn(env: NodeJS.ProcessEnv) {
  const secret = z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable, not the secret itself')
    .transform((name, context) => {
      const value = env[name]?.trim();
      if (value) return value;
      context.addIssue({ code: 'custom', message: 'expected the name of a variable that is set' });
      return z.NEVER;
    });
  return z.strictObject({
    $comment: z.string().optional(),
    client_id: notEmpty,
    client_secret_env: secret.optional(),
    scopes: z
      .array(scope)
      .refine((scopes) => scopes.includes('openid'), { error: 'expected "openid" among them' })
      .default(['openid', 'email', 'profile']),
    label: z
      .string()
      .regex(/^[^\p{C}]{1,60}$/u, 'expected 1 to 60 characters, none of them a control character')
      .optional(),
    roles: z.array(roleRule).max(100, 'expected at most 100').default([]),
  });
}

type Fields = z.infer<ReturnType<typeof consoleClientIn>>;

/**
 * Why the rules of a public issuer would make strangers administrators, as the index of the first that would; null if none
 * does. A person's own `sub` or verified `email` is one account; anything else needs a rule of the issuer's `require`.
 */
export function openRole({ roles }: Fields, isRestricted: boolean): number | null {
  const open = roles.findIndex(({ claim }) => claim !== 'sub' && claim !== 'email');
  return isRestricted || open === -1 ? null : open;
}

/** The part in the shape the rest of the gateway uses. Pure. */
export function toConsoleClient(
  { client_id, client_secret_env: secret, scopes, label, roles }: Fields,
  issuer: string,
): ConsoleClient {
  return {
    clientId: client_id,
    clientSecret: secret ?? null,
    scopes,
    label: label ?? new URL(issuer).host,
    roles: roles.map(({ claim, values, role, teams }) => ({ claim, values, role, teams: teams ?? null })),
  };
}
