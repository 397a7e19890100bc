import { z, type ZodObject, type ZodType } from 'zod';
import type { Need } from '../access/permission.ts';
import { type Answer, createdJson, jsonBody, noContent, okJson } from '../base/operation-docs.ts';
import { checkQuery } from '../base/query.ts';
import { type ErrorCode, Refusal } from '../base/refusal.ts';
import { etagOf } from '../identity/operations/precondition.ts';
import { readBody } from './read-body.ts';
import { type AdminContext, needing, type Operation } from './respond.ts';

type Result<T> = Promise<T | Refusal>;

/** What an operation needs its caller to be, and what the API's description says about it. */
export interface Entry {
  needs: Need;
  summary: string;
  details?: string;
  query?: ZodObject;
  refusals?: readonly ErrorCode[];
}

/** A record with the answer that tells of it, such as a new token with its text. */
export interface Answered<R> {
  record: R;
  body: object;
}

/** How records of one kind look in answers. */
export interface Presentation<R> {
  schema: ZodType;
  /** One object for each record, as it is shown to whoever asks. */
  toResponses: (records: readonly R[], c: AdminContext) => object[] | Promise<object[]>;
  /** What is used of each limit of a record, in their order; absent: it has no limits. */
  usesOf?: (record: R) => Promise<object[]>;
  /** What a record that was made or changed will not do; absent: nothing is known of that. */
  warningsOf?: (record: R) => readonly string[];
}

/**
 * The operations on records of one kind. Each is made of an entry and of what it does; reading the body, the answer,
 * its ETag and its description are the same for all kinds. `run` checks the precondition if there is one.
 */
export function resource<R extends object>({ schema, toResponses, usesOf, warningsOf }: Presentation<R>) {
  const answer = okJson(schema);

  async function answered(c: AdminContext, result: R | Refusal): Result<Answered<R>> {
    if (result instanceof Refusal) return result;
    const [body = {}] = await toResponses([result], c);
    return { record: result, body };
  }

  /** The same for one that was just made or changed. */
  async function written(c: AdminContext, result: R | Refusal): Result<Answered<R>> {
    const told = await answered(c, result);
    if (told instanceof Refusal || warningsOf === undefined) return told;
    return { ...told, body: withWarnings(told.body, warningsOf(told.record)) };
  }

  return {
    create<T>(entry: Entry & { body: ZodType<T> }, run: (c: AdminContext, asked: T) => Result<R>): Operation {
      return issuing({ ...entry, answer: createdJson(schema) }, async (c, asked: T) =>
        written(c, await run(c, asked)),
      );
    },

    /** With `usage=true` the limits also tell what is used of them, if the kind has any. */
    read({ needs, ...docs }: Entry, run: (c: AdminContext) => Result<R>): Operation {
      const query = usesOf ? { query: usageParameters } : {};
      return needing(needs, { ...docs, ...query, answer, etag: 'told' }, async (c) => {
        const asked = usesOf ? checkQuery(usageParameters, c.req.url) : {};
        if (asked instanceof Refusal) return asked;
        const told = await answered(c, await run(c));
        if (told instanceof Refusal || !usesOf || asked.usage !== 'true') return replyOf(200, told);
        return replyOf(200, { ...told, body: withUses(told.body, await usesOf(told.record)) });
      });
    },

    change<T>(
      { needs, body, ...docs }: Entry & { body: ZodType<T> },
      run: (c: AdminContext, asked: T) => Result<R>,
    ): Operation {
      return needing(needs, { ...docs, body: jsonBody(body), answer, etag: 'asked' }, async (c) => {
        const asked = await readBody(c, body);
        return asked instanceof Refusal ? asked : replyOf(200, await written(c, await run(c, asked)));
      });
    },

    /** A change that needs no body, such as a suspension. */
    act({ needs, ...docs }: Entry, run: (c: AdminContext) => Result<R>): Operation {
      return needing(needs, { ...docs, answer, etag: 'asked' }, async (c) =>
        replyOf(200, await answered(c, await run(c))),
      );
    },

    end({ needs, ...docs }: Entry, run: (c: AdminContext) => Promise<Refusal | null>): Operation {
      const described = { ...docs, answer: noContent, etag: 'asked' } as const;
      const operation = needing(needs, described, async (c) => (await run(c)) ?? { status: 204 });
      return { ...operation, ends: true };
    },
  };
}

const usageParameters = z.strictObject({
  usage: z
    .enum(['true', 'false'], 'must be true or false')
    .meta({ description: 'true: the limits also tell what is used and left of them.' })
    .exactOptional(),
});

/** The body of an answer whose limits tell what is used of them. */
function withUses(body: { limits?: readonly object[] }, uses: readonly object[]): object {
  return { ...body, limits: body.limits?.map((limit, n) => ({ ...limit, ...uses[n] })) ?? [] };
}

/** The body of an answer with what it has to warn of, if anything. */
export function withWarnings(body: object, warnings: readonly string[]): object {
  return warnings.length === 0 ? body : { ...body, warnings };
}

export type Resource<R extends object> = ReturnType<typeof resource<R>>;

/** Creates a record whose answer has more than the record. */
export function issuing<R extends object, T>(
  { needs, body, ...docs }: Entry & { body: ZodType<T>; answer: Answer },
  run: (c: AdminContext, asked: T) => Result<Answered<R>>,
): Operation {
  return needing(needs, { ...docs, body: jsonBody(body), etag: 'told' }, async (c) => {
    const asked = await readBody(c, body);
    return asked instanceof Refusal ? asked : replyOf(201, await run(c, asked));
  });
}

/** An answer with the ETag of its record; a refusal stays one. */
export function replyOf<R extends object>(status: 200 | 201, result: Answered<R> | Refusal) {
  return result instanceof Refusal ? result : { status, body: result.body, etag: etagOf(result.record) };
}
