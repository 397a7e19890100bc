import { z } from 'zod';
import type { ErrorCode } from './refusal.ts';

/* The documentation of an operation, with the schemas that check it. The OpenAPI description is made from this. */

export interface OperationDocs {
  /** One line, in the imperative. */
  summary: string;
  /** Anything else worth knowing, in whole sentences. */
  details?: string;
  /**
   * Its query parameters; others are refused, and if left out, all are. `ignored`: of an operation that foreign clients
   * call with parameters of their own.
   */
  query?: z.ZodObject | 'ignored';
  body?: Body;
  answer: Answer;
  /** `told`: the answer has the `ETag` of its record. `asked`: the request may also have `If-Match`. */
  etag?: 'told' | 'asked';
  /** Error codes in addition to those that follow from its access, body and so on. */
  refusals?: readonly ErrorCode[];
  /** Answers with other statuses that do not have the usual shape of errors. */
  others?: readonly OtherAnswer[];
}

export interface Body {
  schema: z.ZodType;
  required: boolean;
  mediaType: string;
}

export interface Answer {
  status: 200 | 201 | 204 | 303;
  /** By media type; empty if there is no body. */
  content: Readonly<Record<string, z.ZodType>>;
}

export interface OtherAnswer {
  status: number;
  description: string;
  schema: z.ZodType;
}

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof methods)[number];

/** Whose credential an operation needs. */
export type Access = 'anyone' | 'user' | 'session or user' | 'administrator';

/** An operation, as its callers need to know it. */
export interface DocumentedOperation {
  docs: OperationDocs;
  access: Access;
  /** Which administrators may use it, in words. */
  needed?: string;
  /** Whether its requests are counted, priced and forwarded to the upstream. */
  forwarded?: boolean;
  /** Its body is checked like that of a request that is forwarded, and goes no further. */
  checked?: boolean;
}

/**
 * A path in the router's syntax (`/admin/teams/:team`), and the operation of each method. Other methods get a 405.
 * Every route of the gateway has this shape; its operations may have more than their documentation.
 */
export interface DocumentedRoute<Operation extends DocumentedOperation = DocumentedOperation> {
  path: string;
  methods: Partial<Record<Method, Operation>>;
}

const json = 'application/json';

export function jsonBody(schema: z.ZodType): Body {
  return { schema, required: true, mediaType: json };
}

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
