import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { corsBelowRoutes } from '../base/cors.ts';
import { errorBody, isAnthropic } from '../base/error-body.ts';
import { noRetry, Refusal } from '../base/refusal.ts';
import { namedHeaders, withHeaders } from './security-headers.ts';

/** A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port: RFC 3986, 3.2.2. */
const wellFormed = /^(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** RFC 9112, 3.2: a request of HTTP/1.1 has exactly one Host, and a valid one. */
export function checkHost(host: string | undefined): Refusal | null {
  if (host !== undefined && wellFormed.test(host)) return null;
  const problem = host === undefined ? 'is missing' : 'is not a host name with an optional port';
  return new Refusal('invalid_request', `The Host header ${problem}.`, { param: 'host' });
}

/** RFC 9112, 6.1: a transfer coding that a server does not understand is a 501. Node would pass gzip on as the body. */
export function checkTransferEncoding(coding: string | undefined): Refusal | null {
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return null;
  const message = 'Transfer-Encoding may be chunked and nothing else; send the body as it is.';
  return new Refusal('not_implemented', message, { param: 'transfer-encoding', headers: noRetry });
}

/** RFC 9110, 10.1.1: there is one expectation that can be met. */
export function checkExpectation(expected: string | undefined): Refusal | null {
  if (expected === undefined || expected.trim().toLowerCase() === '100-continue') return null;
  const message = 'Expect may be 100-continue and nothing else; leave it out.';
  return new Refusal('expectation_failed', message, { param: 'expect' });
}

/**
 * Refuses requests that reached the router over plain http: their token was readable on the way. Heroku's router sets
 * `X-Forwarded-Proto` itself (Dev Center, http-routing). A request without it did not come through the router.
 */
export function checkHttps(forwardedProto: string | string[] | undefined): Refusal | null {
  if (forwardedProto === undefined) return null;
  const last = String(forwardedProto).split(',').at(-1)?.trim().toLowerCase();
  if (last === 'https') return null;
  return new Refusal(
    'https_required',
    'Use https: over plain http a token can be read on its way. Replace the token if it is yours.',
  );
}

/** Why Node gave up a connection without handing a request to the routes. */
export function refusalFor(error: Error & { code?: string }): Refusal {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Refusal(
        'headers_too_large',
        'The request line and headers are larger than 16 KiB together.',
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Refusal('body_too_large', 'The chunk extensions of the body are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal('request_timeout', 'The request did not arrive completely in the time allowed.');
    default:
      return new Refusal('invalid_request', 'This is not a well-formed HTTP/1.1 request.');
  }
}

/** Answers a request that Node parsed but that must not reach the routes, and ends its connection. */
export function answer(response: ServerResponse, refusal: Refusal, requestId: string): void {
  const { headers, body } = jsonAnswer(refusal, requestId, pathOf(response.req));
  response.writeHead(refusal.status, headers);
  response.end(body);
}

/**
 * The same as text, for a connection whose request is not understood or not complete. `path` is null if nobody knows it.
 */
export function responseText(
  refusal: Refusal,
  { requestId, path, all }: { requestId: string; path: string | null; all: readonly string[] },
): string {
  const { headers, body } = jsonAnswer(refusal, requestId, path);
  const lines = Object.entries(withHeaders(headers, all)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}

/** The path of a request, without the query string; null if it is none, such as `*`. */
export function pathOf({ url = '' }: Pick<IncomingMessage, 'url'>): string | null {
  return url.startsWith('/') ? (url.split('?', 1)[0] ?? null) : null;
}

/** The error JSON that clients of a path expect; if no path is known, contract 1.5's. A page may read it. */
function jsonAnswer(
  refusal: Refusal,
  requestId: string,
  path: string | null,
): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(errorBody(path ?? '', refusal, requestId));
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'x-request-id': requestId,
    ...(path !== null && isAnthropic(path) ? { 'request-id': requestId } : {}),
    ...refusal.headers,
    connection: 'close',
  };
  return { headers: namedHeaders(corsBelowRoutes(path), headers), body };
}
