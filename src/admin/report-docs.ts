import { z } from 'zod';
import { auditEntryResponse } from '../audit/audit.ts';
import { errorResponse } from '../base/error-body.ts';
import type { Answer, OperationDocs, OtherAnswer } from '../base/operation-docs.ts';
import { entryResponse, refusalRowResponse, usageRowResponse } from '../ledger/ledger-response.ts';
import { mediaTypes } from '../reports/formats.ts';
import { auditParameters, entryParameters, refusalParameters, usageParameters } from '../reports/queries.ts';

/** Entries of a page if the query names no limit. */
export const defaultLimit = 50;

const unknown = 'A team, user or token that nobody knows is a 404.';
const oneRow = `Sums of whole UTC days: from and to are days, or times at which one begins. The default is today. Without group_by there is one row. ${unknown}`;
const pages = `JSON is one page: ${defaultLimit} entries, or limit (at most 1000). CSV and NDJSON are the whole list unless limit is given. With limit, the header x-next-cursor says where the next page begins. ${unknown}`;

export const usageDocs = docs('Sum up what was used', oneRow, usageParameters, rowsOf(usageRowResponse));
export const requestsDocs = docs(
  'List admitted requests, the newest closed first',
  pages,
  entryParameters,
  pageOf(entryResponse),
);
export const refusalsDocs = docs(
  'Count requests that were refused',
  oneRow,
  refusalParameters,
  rowsOf(refusalRowResponse),
);
export const auditDocs = docs(
  'List who changed what, the newest first',
  pages,
  auditParameters,
  pageOf(auditEntryResponse),
);

function docs(
  summary: string,
  details: string,
  query: NonNullable<OperationDocs['query']>,
  json: z.ZodType,
): OperationDocs {
  const notAcceptable: OtherAnswer = {
    status: 406,
    description: '`invalid_request`: Accept names no format that this can be had in.',
    schema: errorResponse,
  };
  return { summary, details, query, answer: inEveryFormat(json), others: [notAcceptable] };
}

function inEveryFormat(json: z.ZodType): Answer {
  const text = z.string();
  return {
    status: 200,
    content: { [mediaTypes.json]: json, [mediaTypes.csv]: text, [mediaTypes.ndjson]: text },
  };
}

function rowsOf(row: z.ZodType): z.ZodType {
  return z.object({ data: z.array(row) });
}

function pageOf(item: z.ZodType): z.ZodType {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}
