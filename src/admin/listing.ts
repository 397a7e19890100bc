import { z, type ZodType } from 'zod';
import { okJson } from '../base/operation-docs.ts';
import { checkQuery } from '../base/query.ts';
import { Refusal } from '../base/refusal.ts';
import { asksForPage, type AskedPage, type Listed, type Named, pageOf } from './list-pages.ts';
import { defaultLimit } from './report-docs.ts';
import type { Entry, Presentation } from './resource.ts';
import { type AdminContext, needing, type Operation } from './respond.ts';

/** What a list is made from, once its parameters are checked. */
interface Listing<R, Asked extends AskedPage> {
  query: z.ZodObject & ZodType<Asked>;
  /** All of it, as it is told without a parameter of a page. */
  all: (c: AdminContext, asked: Asked) => Promise<readonly R[] | Refusal>;
  /** The same, to read in pages. */
  paged: (c: AdminContext, asked: Asked) => Promise<Listed<R> | Refusal> | Listed<R>;
}

const aboutPages = `With limit, cursor, q or sort the answer is a page: limit records (default: ${defaultLimit}), and a next_cursor, which is null after the last ones. A page may be short, or empty, though more follow.`;

/** The list of the records of one kind: the whole, or a page of it. */
export function listing<R extends Named, Asked extends AskedPage>(
  { schema, toResponses }: Pick<Presentation<R>, 'schema' | 'toResponses'>,
  { needs, ...docs }: Entry,
  { query, all, paged }: Listing<R, Asked>,
): Operation {
  const details = [docs.details, aboutPages].filter((text) => text !== undefined).join(' ');
  const answer = okJson(
    z.object({
      data: z.array(schema),
      next_cursor: z.string().nullable().exactOptional().meta({ description: 'Only of a page.' }),
    }),
  );

  async function list(c: AdminContext) {
    const asked = checkQuery(query, c.req.url);
    if (asked instanceof Refusal) return asked;
    if (!asksForPage(asked)) {
      const records = await all(c, asked);
      return records instanceof Refusal ? records : okBody({ data: await toResponses(records, c) });
    }
    const listed = await paged(c, asked);
    const page = listed instanceof Refusal ? listed : await pageOf(listed, asked);
    return page instanceof Refusal ? page : okBody({ ...page, data: await toResponses(page.data, c) });
  }

  return needing(needs, { ...docs, details, query, answer }, list);
}

function okBody(body: object) {
  return { status: 200, body } as const;
}
