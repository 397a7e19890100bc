import type { DocumentedOperation, DocumentedRoute } from '../base/operation-docs.ts';
import type { Call } from './call.ts';

/** Answers a call. If it rejects, `Answers.fail` answers. */
export type Handler = (call: Call) => Promise<void>;

/** What a method of a path does, and its documentation. */
interface Operation extends DocumentedOperation {
  handle: Handler;
}

/** A route of everything but the admin API. */
export interface Route extends DocumentedRoute<Operation> {
  /** Answers other methods, if a plain 405 will not do. */
  otherwise?: Handler;
}

/** The operation of a route's method, if there is one. HEAD is GET without the body: RFC 9110, 9.3.2. */
export function operationFor({ methods }: Route, method: string | undefined): Operation | undefined {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return methods.GET;
    case 'POST':
    case 'PUT':
    case 'PATCH':
    case 'DELETE':
      return methods[method];
    default:
      return undefined;
  }
}
