import { z } from 'zod';
import type { ErrorCode } from './refusal.ts';

/* What an operation of the API takes and answers, in the schemas that check it: the API's description is made of it. */

export interface About {
  /** A line, in the imperative. */
  summary: string;
  /** What else is worth knowing; whole sentences. */
  details?: string;
  query?: z.ZodObject;
  body?: Body;
  answer: Answer;
  /** Codes it may refuse with besides those that follow from what it is and takes. */
  refusals?: readonly ErrorCode[];
}

export interface Body {
  schema: z.ZodType;
  /** Whether there must be one. */
  required: boolean;
  /** JSON where nothing is said. */
  mediaType?: string;
}

export interface Answer {
  status: 200 | 201 | 204;
  /** By media type; nothing where there is no body. */
  content: Readonly<Record<string, z.ZodType>>;
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** Whose credential an operation asks for. */
export type Access = 'anyone' | 'user' | 'session or user' | 'administrator';

export interface DescribedOperation {
  about: About;
  access: Access;
  /** Which administrators may, in words. */
  needed?: string;
}

/** A path as the routes have it (`/admin/teams/:team`), and what its methods do. */
export interface DescribedRoute {
  path: string;
  methods: Partial<Record<Method, DescribedOperation>>;
}

const json = 'application/json';

export function body(schema: z.ZodType): Body {
  return { schema, required: true };
}

/** A body that may be left out. */
export function optionalBody(schema: z.ZodType): Body {
  return { schema, required: false };
}

export function ok(schema: z.ZodType): Answer {
  return { status: 200, content: { [json]: schema } };
}

export function created(schema: z.ZodType): Answer {
  return { status: 201, content: { [json]: schema } };
}

/** `{data: […]}`. */
export function okList(item: z.ZodType): Answer {
  return ok(z.object({ data: z.array(item) }));
}

export const nothing: Answer = { status: 204, content: {} };
