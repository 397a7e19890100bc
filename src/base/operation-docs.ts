import { z } from 'zod';
import type { ErrorCode } from './refusal.ts';

/* What an operation of the API takes and answers, in the schemas that check it: the API's description is made of it. */

export interface OperationDocs {
  /** A line, in the imperative. */
  summary: string;
  /** What else is worth knowing; whole sentences. */
  details?: string;
  query?: z.ZodObject;
  body?: Body;
  answer: Answer;
  /** Whether it tells the `ETag` of the record it is about, and takes `If-Match` for it as well (`asked`). */
  etag?: 'told' | 'asked';
  /** Codes it may refuse with besides those that follow from what it is and takes. */
  refusals?: readonly ErrorCode[];
  /** Answers of other statuses that are no errors of the usual shape. */
  others?: readonly OtherAnswer[];
}

export interface Body {
  schema: z.ZodType;
  /** Whether there must be one. */
  required: boolean;
  mediaType: string;
}

export interface Answer {
  status: 200 | 201 | 204;
  /** By media type; nothing where there is no body. */
  content: Readonly<Record<string, z.ZodType>>;
}

export interface OtherAnswer {
  status: number;
  description: string;
  schema: z.ZodType;
}

export const methods = ['GET', 'POST', 'PATCH', 'DELETE'] as const;
export type Method = (typeof methods)[number];

/** Whose credential an operation asks for: a user's token, that or a session's, or an administrator's. */
export type Access = 'anyone' | 'user' | 'session or user' | 'administrator';

/** An operation, as whoever calls it needs to know it. */
export interface DocumentedOperation {
  docs: OperationDocs;
  access: Access;
  /** Which administrators may, in words. */
  needed?: string;
  /** Whether its requests are counted, priced and sent on to the upstream. */
  forwarded?: boolean;
}

/** A path as the routes have it (`/admin/teams/:team`), and what its methods do. */
export interface DocumentedRoute {
  path: string;
  methods: Partial<Record<Method, DocumentedOperation>>;
}

const json = 'application/json';

export function jsonBody(schema: z.ZodType): Body {
  return { schema, required: true, mediaType: json };
}

/** A body that may be left out. */
export function optionalJsonBody(schema: z.ZodType): Body {
  return { schema, required: false, mediaType: json };
}

export function okJson(schema: z.ZodType): Answer {
  return { status: 200, content: { [json]: schema } };
}

export function createdJson(schema: z.ZodType): Answer {
  return { status: 201, content: { [json]: schema } };
}

/** `{data: […]}`. */
export function okList(item: z.ZodType): Answer {
  return okJson(z.object({ data: z.array(item) }));
}

export const noContent: Answer = { status: 204, content: {} };
