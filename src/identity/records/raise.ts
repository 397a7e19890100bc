import { z } from 'zod';
import { dayMs } from '../../base/days.ts';
import { limit as limitSchema, storedTime } from '../../base/fields.ts';
import type { Limit, StoredLimit } from '../../base/limit.ts';

/*
 * Raises of a record's limits. Each ends by itself: from its end on it is neither counted nor shown, and the next change to
 * the raises of the record drops it.
 */

/** How many a record may have at a time. */
export const maxRaises = 16;
export const maxRaiseDays = 92;

/** Whether a raise may last from one time to another. */
export function mayLast(fromMs: number, untilMs: number): boolean {
  return fromMs < untilMs && untilMs <= fromMs + maxRaiseDays * dayMs;
}

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
  .refine(({ created_at: from, until }) => mayLast(Date.parse(from), Date.parse(until)), {
    path: ['until'],
    error: `must be after created_at, at most ${maxRaiseDays} days`,
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

/**
 * What is wrong with so much more for a limit: each raise, and `max` with all of them, must be what `max` could be. Null:
 * nothing is.
 */
export function amountProblem(limit: Limit, amounts: readonly number[]): string | null {
  const whole = amounts.reduce((sum, by) => sum + by, limit.max);
  for (const max of [...amounts, whole]) {
    const issue = limitSchema.safeParse({ ...limit, max }).error?.issues[0];
    if (issue) return issue.message;
  }
  return null;
}
