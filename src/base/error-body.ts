import { z } from 'zod';
import { errorCodes, errorTable, type Refusal, refusedLimit } from './refusal.ts';

/** Paths whose clients expect Anthropic's shape of errors. With a /v1 or slashes too many, only their base URL is wrong. */
const anthropicPath = /^\/+v1(?:\/+v1)?\/+messages(?:\/|$)/;

/** Whether a path's clients are Anthropic's, which expect another shape of errors and request id. */
export function isAnthropic(path: string): boolean {
  return anthropicPath.test(path);
}

/** Anthropic's error types (docs.claude.com, "Errors"). */
const anthropicTypes = [
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

/** The JSON body of a refusal, in the shape that clients of `path` expect. */
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

const types = [...new Set(Object.values(errorTable).map(({ type }) => type))];

/** Each code with its status and type, one per line. */
const meanings = errorCodes.map(
  (code) => `- \`${code}\`: ${errorTable[code].status}, ${errorTable[code].type}`,
);

const errorCode = z.enum(errorCodes).meta({
  id: 'ErrorCode',
  description: `What went wrong, for programs. Its status and type:\n\n${meanings.join('\n')}\n\nAn error that the upstream explained keeps the upstream's status.`,
});

const error = z.object({
  message: z.string(),
  type: z.enum(types),
  param: z.string().nullable().meta({ description: 'The field or parameter that is wrong.' }),
  code: errorCode
    .or(z.string())
    .meta({ description: "One of these, or the upstream's own code of an error that it explained." }),
  details: z
    .array(z.object({ param: z.string(), message: z.string() }))
    .exactOptional()
    .meta({ description: 'What else is wrong.' }),
  limit: refusedLimit.exactOptional().meta({ description: 'The limit that was reached.' }),
  request_id: z.string().nullable(),
});

/** Every error, except those of sign-in and those below. */
export const errorResponse = z.object({ error }).meta({ id: 'Error' });

/** Every error under `/v1/messages`. */
export const anthropicErrorResponse = z
  .object({
    type: z.literal('error'),
    error: error.extend({ type: z.enum(anthropicTypes) }),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'AnthropicError' });
