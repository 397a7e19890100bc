import { isJson, isNotHttp } from './upstream-error.ts';

/** Why another attempt may help after one that did not. */
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

/** Why an answer with this head is given up; null if it is kept. Pure. */
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
      // HTML is a firewall's verdict on the content, which would be the same everywhere.
      return isJson(contentType) ? 'key' : null;
    default:
      return null;
  }
}

/** The same for an attempt without an answer. */
export function causeOfError(error: Error, sent: boolean): Cause | null {
  if (!sent) return 'unconnected';
  return isNotHttp(error) ? null : 'reset';
}

/** Whether the upstream may have begun with the request. Heroku's router answers 503 if an app takes too long. */
export function mayHaveBegun(cause: Cause): boolean {
  return cause === 'failing' || cause === 'reset';
}

const firstBackoffMs = 100;
const longestBackoffMs = 1_000;

/** The pause after so many attempts, ms, with full jitter: up to a bound that doubles. `random` from 0 to 1. Pure. */
export function backoffMs(made: number, random: number): number {
  return random * Math.min(longestBackoffMs, firstBackoffMs * 2 ** (made - 1));
}

/** How long a Retry-After asks to wait, ms; null if it is not a number of seconds. Pure. */
export function retryAfterMs(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,8}(?:\.\d+)?$/.test(value.trim()) ? Number(value) * 1_000 : null;
}
