import type { Attachment } from '../base/attachment.ts';
import { isRecord, parsedJson } from '../base/request.ts';
import type { Ending } from '../base/outcome.ts';
import { noRetry, Refusal, retryAfter } from '../base/refusal.ts';
import { redacted } from './redaction.ts';

/** An answer of the upstream that is not passed on. */
export interface UpstreamAnswer {
  status: number;
  contentType: string;
  /** How long a 429 or 529 asks to wait, ms; null if it does not say. */
  retryAfterMs: number | null;
  /** The beginning of the body. */
  text: string;
  /** Who answered: what it says of itself is not told. */
  attachment: Attachment;
}

/** For a connection to an attachment. */
export const connectTimeoutMs = 5_000;

const maxMessageLength = 1_000;
/** Enough to redact what is told, and no more. */
const maxReadLength = 4_000;
const maxCodeLength = 100;

/** What the caller gets instead, and who pays: contract 1.4, "Upstream trouble". */
export function upstreamTrouble(answer: UpstreamAnswer): { refusal: Refusal; ending: Ending } {
  const { status } = answer;
  const error = errorIn(answer);
  if (status === 401 || (status === 403 && error !== null)) {
    return { refusal: authFailed(status), ending: 'not_taken' };
  }
  if (status === 403) return { refusal: blocked(), ending: 'not_taken' };
  if (status === 429)
    return { refusal: rateLimited((answer.retryAfterMs ?? 0) / 1_000), ending: 'not_taken' };
  const words = error?.message ?? plainText(answer);
  if (status === 529) return { refusal: overloaded(words, answer.retryAfterMs), ending: 'not_taken' };
  if (status >= 500) return { refusal: failed(saying(`It answered ${status}`, words)), ending: 'failed' };
  const ending = status < 400 ? 'failed' : 'rejected';
  if (status < 400 || error === null) {
    const type = answer.contentType === '' ? 'no content type' : answer.contentType.slice(0, 80);
    return { refusal: failed(saying(`It answered ${status} with ${type}`, words)), ending };
  }
  const { message = 'Heroku Inference refused the request.', code, param } = error;
  const type = 'invalid_request_error';
  const refusal = new Refusal('upstream_error', message, { status, type, param, upstreamCode: code });
  return { refusal, ending };
}

/** A sentence with what the upstream says, if it says anything. */
function saying(sentence: string, words: string | undefined): string {
  if (words === undefined) return `${sentence}.`;
  return `${sentence}: ${words}${/[.!?]$/.test(words) ? '' : '.'}`;
}

/** undici's codes for an answer whose head came but cannot be used. */
const unreadable: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

/** What the caller gets, and who pays, if no answer came, or none that is HTTP: then the upstream had the request. */
export function unanswered(error: Error): { refusal: Refusal; ending: Ending } {
  const code = codeOf(error);
  if (isNotHttp(error)) return { refusal: failed(`Its answer is not HTTP (${code}).`), ending: 'failed' };
  const isTimeout = code === 'UND_ERR_CONNECT_TIMEOUT';
  return { refusal: isTimeout ? unconnected(connectTimeoutMs) : unreachable(), ending: 'not_taken' };
}

/** Whether an answer came that is not HTTP. */
export function isNotHttp(error: Error): boolean {
  return error.name === 'HTTPParserError' || unreadable.has(codeOf(error));
}

/** The kind of error, as undici names it. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** No connection, or reset before an answer. */
export function unreachable(): Refusal {
  return new Refusal('upstream_unreachable', 'Heroku Inference could not be reached; try again.');
}

/** No answer in time. */
export function timedOut(afterMs: number): Refusal {
  const message = `Heroku Inference did not answer within ${spoken(afterMs)}; ask for less, or set "stream": true.`;
  return new Refusal('upstream_timeout', message);
}

/** No connection in time: nothing was sent. */
export function unconnected(afterMs: number): Refusal {
  const message = `Heroku Inference could not be connected to within ${spoken(afterMs)}; try again.`;
  return new Refusal('upstream_timeout', message);
}

/** A stream, or an answer that has begun, that did not go on. */
export function fellSilent(afterMs: number): Refusal {
  const message = `Heroku Inference said nothing for ${spoken(afterMs)}; try again.`;
  return new Refusal('upstream_timeout', message);
}

function spoken(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${Math.round(ms / 1_000)} s`;
}

/** An answer that broke off or made no sense. */
export function failed(what: string): Refusal {
  return new Refusal('upstream_error', `Heroku Inference failed. ${what} Try again.`);
}

/** 529, as Anthropic says it: no capacity for now, whoever asks. */
function overloaded(words: string | undefined, retryAfterMs: number | null): Refusal {
  const message = `${saying('Heroku Inference is overloaded', words)} Try again later.`;
  if (retryAfterMs === null) return new Refusal('overloaded', message);
  const afterS = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return new Refusal('overloaded', message, { headers: retryAfter(afterS) });
}

function authFailed(status: number): Refusal {
  const message = `Heroku Inference refused the gateway's own key for this model (${status}); ask your administrator to check the attachment.`;
  return new Refusal('upstream_auth_failed', message, { headers: noRetry });
}

function blocked(): Refusal {
  // The web application firewall in front of Heroku answers 403 with an HTML page for content like `<script>`.
  const message = `A firewall in front of Heroku Inference blocked this request because of its content (such as "<script>", "../" or "import os"); rephrase it.`;
  return new Refusal('upstream_blocked', message, { headers: noRetry });
}

/** The shared key has no quota left, perhaps for so long. */
export function rateLimited(seconds: number): Refusal {
  const afterS = Math.max(1, Math.ceil(seconds));
  const message = `Heroku Inference's own rate limit, shared by everyone on this gateway, is reached; try again in ${afterS} s.`;
  return new Refusal('upstream_rate_limited', message, { headers: retryAfter(afterS) });
}

export function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType);
}

export function isEventStream(contentType: string): boolean {
  return /^text\/event-stream\b/i.test(contentType);
}

function looksLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text);
}

interface SaidError {
  message: string | undefined;
  code: string | undefined;
  param: string | undefined;
}

/** An error in any shape seen: an object, a JSON string, a bare `message`. Null if the answer is not JSON. */
function errorIn({ contentType, text, attachment }: UpstreamAnswer): SaidError | null {
  if (!isJson(contentType) && !looksLikeJson(text)) return null;
  const value = parsedJson(text);
  if (value === undefined) return null;
  const error = field(value, 'error') ?? value;
  const message = typeof error === 'string' ? error : (field(error, 'message') ?? field(value, 'message'));
  const told = (words: unknown, maxLength: number): string | undefined =>
    typeof words === 'string' && words !== '' ? tellable(words, attachment).slice(0, maxLength) : undefined;
  return {
    message: told(message, maxMessageLength),
    code: told(field(error, 'code') ?? field(value, 'code'), maxCodeLength),
    param: told(field(error, 'param') ?? field(value, 'param'), maxCodeLength),
  };
}

/** What a proxy says in plain text: its first line. */
function plainText({ contentType, text, attachment }: UpstreamAnswer): string | undefined {
  if (!/^text\/plain\b/i.test(contentType)) return undefined;
  const [line = ''] = tellable(text, attachment).trim().split(/\r?\n/);
  return line === '' ? undefined : line.slice(0, maxMessageLength);
}

function tellable(words: string, attachment: Attachment): string {
  return redacted(words.slice(0, maxReadLength), attachment);
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? (value[name] ?? undefined) : undefined;
}

/** The refusal for an answer that was given up, of which only the status is left. `status` null: no answer came. */
export function troubleOf(
  status: number | null,
  { attachment, retryAfterMs }: Pick<UpstreamAnswer, 'attachment' | 'retryAfterMs'>,
): Refusal {
  if (status === null) return unreachable();
  const answer = { status, contentType: 'application/json', retryAfterMs, text: '{}', attachment };
  return upstreamTrouble(answer).refusal;
}
