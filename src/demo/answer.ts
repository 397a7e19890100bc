import type { ServerResponse } from 'node:http';
import type { JsonValue } from '../base/request.ts';

/** An answer of the stand-in: JSON, or a stream's frames with a pause between them. */
export type Answer =
  | { readonly status: number; readonly json: JsonValue }
  | { readonly frames: readonly string[]; readonly delayMs: number };

const errorTypes = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'authorization_error',
  404: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'server_error',
} as const;

/** An error in Heroku's documented shape: the code is an integer. */
export function errorAnswer(status: keyof typeof errorTypes, message: string): Answer {
  return { status, json: { error: { code: status, message, type: errorTypes[status] } } };
}

/**
 * Headers that Heroku sends and a gateway must not pass on: rate limits of the key everybody shares, a cookie.
 */
export function setUpstreamHeaders(res: ServerResponse): void {
  res.setHeader('x-ratelimit-limit-requests', '150');
  res.setHeader('x-ratelimit-remaining-requests', '149');
  res.setHeader('x-ratelimit-reset-requests', '51s');
  res.setHeader('x-ratelimit-limit-tokens', '800000');
  res.setHeader('x-ratelimit-remaining-tokens', '799892');
  res.setHeader('x-ratelimit-reset-tokens', '51s');
  res.setHeader('set-cookie', 'upstream-affinity=of-the-shared-key; Path=/; HttpOnly');
}
