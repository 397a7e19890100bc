import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Actor } from '../base/actor.ts';
import type { DocumentedOperation, DocumentedRoute, OperationDocs } from '../base/operation-docs.ts';
import { type ErrorCode, Refusal } from '../base/refusal.ts';
import { neededFor, type Need } from '../access/permission.ts';
import type { Precondition } from '../identity/operations/precondition.ts';

export interface AdminEnv {
  Variables: {
    requestId: string;
    /** Who asks. Set before any operation runs. */
    actor: Actor;
    /** Why the actor may not act any more, by what the store says now; null if it may. */
    stillRefused: () => Promise<Refusal | null>;
    /** From `If-Match`. Set before an operation runs. */
    precondition: Precondition;
    /** The code of the refusal that was sent, for the log. */
    errorCode?: ErrorCode;
  };
}
export type AdminContext = Context<AdminEnv>;

/** What an operation answers: a refusal, an object with its status and ETag, a stream (200), or nothing (204). */
export type Reply =
  | Refusal
  | { status: 200 | 201; body: object; etag?: string }
  | { stream: ReadableStream<Uint8Array>; headers: Record<string, string> }
  | { status: 204 };

/** What a method of a path does, what its caller must be allowed to do, and its documentation. */
export interface Operation extends DocumentedOperation {
  needs: Need;
  handle: (c: AdminContext) => Promise<Reply>;
  /** It ends or suspends something, so the bound on changes does not hold it up. */
  ends?: boolean;
  /** Says more in the refusal of a caller who is not allowed what it needs. */
  explain?: (c: AdminContext, refusal: Refusal) => Promise<Refusal>;
}

export type Route = DocumentedRoute<Operation>;

/** An operation for those who are allowed what it needs. */
export function needing(needs: Need, docs: OperationDocs, handle: Operation['handle']): Operation {
  return { needs, docs, access: 'administrator', needed: neededFor(needs), handle };
}

/** Writes a reply: the one place where an outcome becomes HTTP. */
export function respond(c: AdminContext, reply: Reply): Response {
  if (reply instanceof Refusal) {
    c.set('errorCode', reply.code);
    // Every status in the table of refusals has a body.
    return c.json(reply.body(c.get('requestId')), reply.status as ContentfulStatusCode, { ...reply.headers });
  }
  if ('stream' in reply) return c.body(reply.stream, 200, reply.headers);
  if (reply.status === 204) return c.body(null, 204);
  return c.json(reply.body, reply.status, reply.etag === undefined ? {} : { etag: reply.etag });
}

/** Every team that a request names, in its path or its query. */
export function teamsNamed(c: AdminContext): string[] {
  const inPath = c.req.param('team');
  const inQuery = new URL(c.req.url).searchParams.getAll('team');
  return inPath === undefined ? inQuery : [inPath, ...inQuery];
}

/** The team a path names. */
export function teamIn(c: AdminContext): string {
  return c.req.param('team') ?? '';
}
