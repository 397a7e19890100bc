// @ts-check

/** @import { TollgateLimit } from './index.d.ts' */
/** @typedef {{ code: string, message: string, type: string | null, param: string | null, requestId: string | null, limit: TollgateLimit | null }} Told What an error body says. */

/** Every error of this package. `code` is for programs; `message` is the server's own text, if it gave one. */
export class TollgateError extends Error {
  /** @override */
  name = 'TollgateError';
  /** @param {{ code: string, message: string, cause?: unknown }} told */
  constructor({ code, message, cause }) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** No answer: the connection failed, on the last try too. */
export class NetworkError extends TollgateError {
  /** @override */
  name = 'NetworkError';
}

/** A server answered with an error. */
export class RefusedError extends TollgateError {
  /** @override */
  name = 'RefusedError';
  /**
   * @param {Response} answer
   * @param {Told} told
   */
  constructor(answer, told) {
    super(told);
    this.status = answer.status;
    this.type = told.type;
    this.param = told.param;
    this.requestId = told.requestId;
    this.limit = told.limit;
    this.retryAfterMs = retryAfterMs(answer.headers);
  }
}

/** A 429 of the gateway: `limit` says which limit, `retryAfterMs` when to try again. */
export class RateLimitError extends RefusedError {
  /** @override */
  name = 'RateLimitError';
}

/** `getSession` gave a response that is an error. */
export class SessionError extends RefusedError {
  /** @override */
  name = 'SessionError';
}

/** The answer broke off: `text` has the words that came. */
export class BrokenAnswerError extends TollgateError {
  /** @override */
  name = 'BrokenAnswerError';
  /** @param {{ code: string, message: string, text: string, requestId: string | null, cause?: unknown }} told */
  constructor({ text, requestId, ...told }) {
    super(told);
    this.text = text;
    this.requestId = requestId;
  }
}

/**
 * The error that an answer is. It reads the answer's body.
 * @param {Response} answer
 */
export async function refusalOf(answer) {
  const told = toldBy(await bodyOf(answer), answer);
  return answer.status === 429 ? new RateLimitError(answer, told) : new RefusedError(answer, told);
}

/**
 * @param {Response} answer of the site's own back end, or of the gateway's `/oauth/token`
 */
export async function sessionRefusalOf(answer) {
  return new SessionError(answer, toldBy(await bodyOf(answer), answer));
}

/**
 * Reads the three shapes there are: OpenAI's, Anthropic's, and OAuth's `{ error, error_description }`.
 * @param {any} body
 * @param {Response} answer
 * @returns {Told}
 */
export function toldBy(body, { status, headers }) {
  const error = body?.error;
  const told = typeof error === 'string' ? { code: error, message: body.error_description } : error;
  return {
    code: textOr(told?.code, textOr(told?.type, `http_${status}`)),
    message: textOr(told?.message, `The server answered ${status}.`),
    type: textOr(told?.type, null),
    param: textOr(told?.param, null),
    requestId: headers.get('x-request-id') ?? textOr(told?.request_id, null),
    limit: told?.limit ?? null,
  };
}

/**
 * How long an answer asks to wait, in ms; null if it does not say.
 * @param {Headers} headers
 */
export function retryAfterMs(headers) {
  const text = headers.get('retry-after');
  if (text === null) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return ms >= 0 ? ms : null;
}

/** @param {Response} answer */
function bodyOf(answer) {
  return answer.json().catch(() => null); // a proxy's page, perhaps, or cut short
}

/**
 * @template T
 * @param {unknown} value
 * @param {T} otherwise
 * @returns {string | T}
 */
function textOr(value, otherwise) {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}
