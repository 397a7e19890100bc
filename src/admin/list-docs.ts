import { z } from 'zod';
import type { Answer, OtherAnswer } from '../base/operation-docs.ts';
import { errorResponse } from '../base/error-body.ts';
import { mediaTypes } from '../reports/formats.ts';

/* What the descriptions of lists and sums have in common. */

/** How many a page has where nothing is said. */
export const defaultLimit = 50;

export const pagesOfList = `As JSON a page of ${defaultLimit} or limit, at most 1000; as CSV or NDJSON all, where limit is left out. With limit, the header x-next-cursor says where the next page begins.`;

/** All of them. */
export function rowsOf(row: z.ZodType): z.ZodType {
  return z.object({ data: z.array(row) });
}

/** A page of a list that has more. */
export function pageOf(item: z.ZodType): z.ZodType {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}

/** A report in every format; as JSON of this shape. */
export function reported(json: z.ZodType): Answer {
  const text = z.string();
  return {
    status: 200,
    content: { [mediaTypes.json]: json, [mediaTypes.csv]: text, [mediaTypes.ndjson]: text },
  };
}

/** Where Accept names no format that a report can be had as. */
export const notAcceptable: readonly OtherAnswer[] = [
  { status: 406, description: '`invalid_request`: Accept names no format there is.', schema: errorResponse },
];
