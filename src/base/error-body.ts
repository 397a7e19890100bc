import type { Refusal } from './refusal.ts';

/** Where clients expect Anthropic's shape of errors; with one /v1 too many their base URL is wrong, not the client. */
const anthropicPath = /^\/v1(?:\/v1)?\/messages(?:\/|$)/;

/** Whether the clients of a path are Anthropic's, which read errors and the request id in a shape of their own. */
export function isAnthropic(path: string): boolean {
  return anthropicPath.test(path);
}

/** Anthropic's names for what went wrong (docs.claude.com, "Errors"). */
export const anthropicTypes = [
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
  'rate_limit_error',
  'timeout_error',
  'api_error',
  'overloaded_error',
] as const;

/** The JSON body of a refusal in the shape that the clients of `path` read. */
export function errorBody(path: string, refusal: Refusal, requestId: string | null): object {
  const body = refusal.body(requestId);
  if (!isAnthropic(path)) return body;
  const error = { ...body.error, type: anthropicType(refusal) };
  return { type: 'error', error, request_id: requestId };
}

function anthropicType({ status, code }: Refusal): (typeof anthropicTypes)[number] {
  if (code === 'overloaded') return 'overloaded_error';
  switch (status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 408:
    case 504:
      return 'timeout_error';
    default:
      return status < 500 ? 'invalid_request_error' : 'api_error';
  }
}
