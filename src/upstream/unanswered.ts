import type { Ending } from '../base/outcome.ts';
import type { Refusal } from '../base/refusal.ts';
import { connectTimeoutMs } from './upstreams.ts';
import { failed, unconnected, unreachable } from './upstream-error.ts';

/** undici's codes for the head of an answer that came and is of no use. */
const unreadable: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

/** No head of an answer came, or none that HTTP knows: then the upstream has had the request. */
export function unanswered(error: Error): { refusal: Refusal; ending: Ending } {
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return { refusal: unconnected(connectTimeoutMs), ending: 'not_taken' };
  }
  if (isNotHttp(error)) {
    return { refusal: failed(`Its answer is not HTTP (${code}).`), ending: 'failed' };
  }
  return { refusal: unreachable(), ending: 'not_taken' };
}

/** Whether an answer came that is not HTTP. */
export function isNotHttp(error: Error): boolean {
  return error.name === 'HTTPParserError' || unreadable.has(codeOf(error));
}

/** What kind of error it is, in undici's words. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
