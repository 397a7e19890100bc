import { z } from 'zod';
import { administratorRoles } from '../../base/actor.ts';
import type { Clock } from '../../base/clock.ts';
import { listOf, name, slug } from '../../base/fields.ts';
import { expiresIn, futureTime, hasOneExpiry, oneExpiry } from './schemas.ts';

/** The body of `POST /admin/admins`. A field that is null is absent. */
export function administratorSchema(clock: Clock) {
  return z
    .strictObject({
      name: name.nullish(),
      role: z.enum(administratorRoles, `must be one of ${administratorRoles.join(', ')}`),
      teams: listOf(slug)
        .refine((teams) => teams.length > 0, 'must name a team')
        .nullish(),
      expires_in: expiresIn.nullish(),
      expires_at: futureTime(clock).nullish(),
    })
    .refine(hasOneExpiry, oneExpiry)
    .refine(({ role, teams }) => role !== 'team-admin' || (teams ?? null) !== null, {
      ...told,
      error: 'is required for a team-admin: the teams it runs',
    })
    .refine(({ role, teams }) => role !== 'admin' || (teams ?? null) === null, {
      ...told,
      error: 'is not for an admin, who has all teams: make a team-admin, or leave it out',
    });
}

/** `when`: told also where other fields are wrong, so that all problems come at once. */
const told = { path: ['teams'], when: () => true };

export type NewAdministrator = z.infer<ReturnType<typeof administratorSchema>>;
