import { z } from 'zod';
import { storedTime } from '../../base/fields.ts';
import type { StoredLimit } from '../../base/limit.ts';

/*
 * Raises of a record's limits. Each ends by itself: from its end on it is neither counted nor shown, and the next change to
 * the raises of the record drops it.
 */

/** How many a record may have at a time. */
export const maxRaises = 16;
export const maxRaiseDays = 92;

/** What adds to one limit of a record until it ends. */
export const raise = z
  .strictObject({
    id: z.string().regex(/^rse_[0-9A-Za-z]{1,64}$/, 'must be a raise id such as rse_…'),
    limit: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the id of a limit')
      .meta({ description: 'The id of the limit.' }),
    by: z
      .number('must be a number above 0')
      .positive('must be a number above 0')
      .meta({ description: "In the limit's unit: dollars for cost_usd." }),
    until: storedTime,
    created_at: storedTime,
  })
  .meta({ id: 'Raise' });
export type LimitRaise = z.infer<typeof raise>;

/** Absent or null: there are none. */
export const raises = z.array(raise).max(maxRaises, `must have at most ${maxRaises} entries`).nullish();

export interface Raised {
  limits: readonly StoredLimit[];
  raises?: readonly LimitRaise[] | null | undefined;
}

/** Those that have not ended. */
export function runningRaises({ raises: all }: Pick<Raised, 'raises'>, nowMs: number): LimitRaise[] {
  return (all ?? []).filter(({ until }) => nowMs < Date.parse(until));
}
