import type { ServerResponse } from 'node:http';
import type { JsonObject, JsonValue } from '../base/request.ts';

/** An answer of the stand-in: JSON, or the frames of a stream with a pause between them. */
export type Answer =
  | { readonly status: number; readonly json: JsonValue }
  | { readonly frames: readonly string[]; readonly delayMs: number };

export interface AnswerContext {
  id: string;
  createdS: number;
  /** The pause between the words of a stream. */
  wordDelayMs: number;
  /** Whether chats get some sentences more, so that one can watch them stream. */
  longAnswers: boolean;
}

/** How the stand-in answers one endpoint, and what the demo suggests to send there. */
export interface StandInEndpoint {
  required: readonly string[];
  /** The other top-level fields that the upstream takes. It refuses all others. */
  optional: readonly string[];
  answer(body: JsonObject, context: AnswerContext): Answer;
  /** `title` stands over the command to paste. */
  examples: readonly { title: string; body: JsonObject }[];
}

/** The answer to a body, or the upstream's error about its top-level fields. */
export function answerTo(endpoint: StandInEndpoint, body: JsonObject, context: AnswerContext): Answer {
  const problem = fieldProblem(endpoint, body);
  return problem === null ? endpoint.answer(body, context) : errorAnswer(400, problem);
}

function fieldProblem({ required, optional }: StandInEndpoint, body: JsonObject): string | null {
  const missing = required.filter((name) => body[name] === undefined);
  if (missing.length > 0) return `Missing required parameter: ${missing.join(', ')}`;
  if (body['allow_ignored_params'] === true) return null;
  const known = new Set([...required, ...optional, 'allow_ignored_params']);
  const unknown = Object.keys(body).filter((name) => !known.has(name));
  return unknown.length > 0 ? `Unsupported parameter: ${unknown.join(', ')}` : null;
}

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

/** Headers that Heroku sends and a gateway must not pass on: the rate limits of the shared key, and a cookie. */
export function setUpstreamHeaders(res: ServerResponse): void {
  res.setHeader('x-ratelimit-limit-requests', '150');
  res.setHeader('x-ratelimit-remaining-requests', '149');
  res.setHeader('x-ratelimit-reset-requests', '51s');
  res.setHeader('x-ratelimit-limit-tokens', '800000');
  res.setHeader('x-ratelimit-remaining-tokens', '799892');
  res.setHeader('x-ratelimit-reset-tokens', '51s');
  res.setHeader('set-cookie', 'upstream-affinity=of-the-shared-key; Path=/; HttpOnly');
}
