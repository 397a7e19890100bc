import { z } from 'zod';
import { dayMs } from '../base/days.ts';

const maxLimit = 1_000;

const momentExpected = 'a UTC day such as 2026-01-31, or an RFC 3339 time such as 2026-01-31T12:00:00Z';

/** The moment (ms) a range begins or ends at; a day is in it as a whole. */
function moment(edge: 'from' | 'to') {
  return z
    .string()
    .transform((text, context) => {
      const isDay = z.iso.date().safeParse(text).success;
      if (isDay) return Date.parse(text) + (edge === 'to' ? dayMs : 0);
      if (z.iso.datetime({ offset: true }).safeParse(text).success) return Date.parse(text);
      context.addIssue({ code: 'custom', message: `must be ${momentExpected}` });
      return z.NEVER;
    })
    .meta({ description: `It is ${momentExpected}.` });
}

/** What a list in pages, newest first, can be asked for. */
export const pageParameters = {
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `must be a whole number from 1 to ${maxLimit}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= maxLimit, `must be a whole number from 1 to ${maxLimit}`)
    .exactOptional(),
  cursor: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'must be the next_cursor of an earlier answer')
    .exactOptional(),
  from: moment('from').exactOptional(),
  to: moment('to').exactOptional(),
};
