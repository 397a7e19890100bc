import { isRecord } from '../base/request.ts';
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
  /** 529: it has no capacity, and has not begun. */
  | 'overloaded'
  /** It refuses what the gateway can change. */
  | 'refused'
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
    case 529:
      return 'overloaded';
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

/** Whether a connection that failed had brought an answer before: undici's errors, and ours, say what its socket read. */
export function wasReused(error: Error): boolean {
  const socket = 'socket' in error ? error.socket : null;
  return isRecord(socket) && Number(socket['bytesRead'] ?? 0) > 0;
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
