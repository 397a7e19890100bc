import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { errorBody } from '../base/error-body.ts';
import type { ErrorCode, Refusal } from '../base/refusal.ts';

export interface Env {
  Bindings: HttpBindings;
  /** The request's id, and the code of the refusal that a handler answered with, for the log. */
  Variables: { requestId?: string; errorCode?: ErrorCode };
}

/** Answers with a refusal, and tells the log of it. */
export function refuse(c: Context<Env>, refusal: Refusal): Response {
  c.set('errorCode', refusal.code);
  return refusalResponse(refusal, c.get('requestId') ?? null, c.req.path);
}

/** A refusal as Hono answers it. */
export function refusalResponse(refusal: Refusal, requestId: string | null, path = ''): Response {
  return Response.json(errorBody(path, refusal, requestId), {
    status: refusal.status,
    headers: refusal.headers,
  });
}
