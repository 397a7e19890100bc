import { randomUUID } from 'node:crypto';

/** What Heroku's router keeps of a caller's `X-Request-ID` (Dev Center, "HTTP Request IDs"). */
const acceptable = /^[A-Za-z0-9+/=-]{20,200}$/;

/** The caller's request id where it is acceptable, else a new one. */
export function requestIdOf(callers: string | string[] | undefined): string {
  return typeof callers === 'string' && acceptable.test(callers) ? callers : randomUUID();
}
