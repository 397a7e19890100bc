import { z } from 'zod';
import { administratorRoles } from '../../base/actor.ts';
import { storedTime, listOf, name, slug } from '../../base/fields.ts';

/** An administrator as it is stored, and shown by the admin API. */
export const administratorFields = z.strictObject({
  id: z.string().regex(/^adm_[0-9A-Za-z]{1,64}$/, 'must be an administrator id such as adm_…'),
  name: name.nullable(),
  role: z.enum(administratorRoles, `must be one of ${administratorRoles.join(', ')}`),
  teams: listOf(slug).nullable().meta({ description: 'null: all of them.' }),
  /** Enough for a person to tell tokens apart. */
  prefix: z.string().regex(/^tga_[0-9A-Za-z]{8}$/, 'must be the first 12 characters of a token'),
  expires_at: storedTime.nullable(),
  created_at: storedTime,
});
export type Administrator = z.infer<typeof administratorFields>;

/** What the store knows about an administrator's secret. */
export interface AdministratorResolution {
  /** Null if unknown or deleted. An expired one is still returned. */
  administrator: Administrator | null;
  /** The store's clock when it answered, ms. */
  nowMs: number;
}
