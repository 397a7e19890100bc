import { isNotHttp } from './unanswered.ts';
import { isJson } from './upstream-error.ts';

/** Why another attempt may help where one did not. */
export type Cause =
  /** Nothing was sent. */
  | 'unconnected'
  /** The connection went before any of an answer. */
  | 'reset'
  /** 429. */
  | 'limited'
  /** 502, 503, 504. */
  | 'failing'
  /** The upstream refuses our key: another may be good. */
  | 'key';

/** The cause in an answer's head; null: the answer is kept. Pure. */
export function causeOfStatus(status: number, contentType: string): Cause | null {
  switch (status) {
    case 429:
      return 'limited';
    case 502:
    case 503:
    case 504:
      return 'failing';
    case 401:
      return 'key';
    case 403:
      // With HTML it is a firewall's verdict on the content, which is the same everywhere.
      return isJson(contentType) ? 'key' : null;
    default:
      return null;
  }
}

/** The same of an attempt that brought no answer. */
export function causeOfError(error: Error, sent: boolean): Cause | null {
  if (!sent) return 'unconnected';
  return isNotHttp(error) ? null : 'reset';
}

/** Whether the upstream may have begun with the request. Heroku's router answers 503 where an app takes too long. */
export function mayHaveBegun(cause: Cause): boolean {
  return cause === 'failing' || cause === 'reset';
}

const firstBackoffMs = 100;
const longestBackoffMs = 1_000;

/** The pause after the `made`-th attempt, full jitter: anything up to a bound that doubles. `random` from 0 to 1. Pure. */
export function backoffMs(made: number, random: number): number {
  return random * Math.min(longestBackoffMs, firstBackoffMs * 2 ** (made - 1));
}

/** What a Retry-After asks for, ms; null where it says no number of seconds. Pure. */
export function retryAfterMs(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,8}(?:\.\d+)?$/.test(value.trim()) ? Number(value) * 1_000 : null;
}
