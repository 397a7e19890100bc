// @ts-check

import { answerOf } from './answer.js';
import { refusalOf } from './errors.js';
import { keepSession } from './sessions.js';
import { codeOf, sendUntilAnswered, unlessAborted } from './tries.js';

export {
  BrokenAnswerError,
  NetworkError,
  RateLimitError,
  RefusedError,
  SessionError,
  TollgateError,
} from './errors.js';

/** @typedef {Awaited<ReturnType<ReturnType<typeof keepSession>['current']>>} Held */

/** Codes of a 401 that mean the session is over: it expired, was ended, or its token was. */
const deadSession = new Set(['expired_token', 'invalid_token', 'revoked_token']);

/** @type {typeof import('./index.d.ts').createTollgate} */
export function createTollgate({ url, getSession, renewBeforeMs, maxTries = 3 }) {
  const gateway = originOf(url);
  const sessions = keepSession(getSession, renewBeforeMs);

  /** @type {typeof globalThis.fetch} */
  const tollgate = async (input, init = {}) => {
    const request = isRequest(input) ? input : undefined;
    const target = targetOf(isRequest(input) ? input.url : input, gateway);
    const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
    const signal = init.signal === undefined ? request?.signal : init.signal;
    const headers = new Headers(init.headers ?? request?.headers);
    headers.delete('x-api-key'); // the gateway refuses two different credentials
    // One call, one charge, however often it is sent.
    if (method === 'POST' && !headers.has('idempotency-key')) headers.set('idempotency-key', randomKey());

    const sendOnce = async (/** @type {Held} */ { token }) => {
      headers.set('authorization', `Bearer ${token}`);
      return fetch(request ? request.clone() : target, {
        ...init,
        headers,
        signal: signal ?? null,
        credentials: 'omit',
        redirect: 'manual', // followed, it could carry the token to another origin
      });
    };
    const tries = { maxTries: canRepeat(init.body) ? maxTries : 1, signal };
    const send = async () => {
      const session = await unlessAborted(sessions.current, signal);
      return { session, answer: await sendUntilAnswered(() => sendOnce(session), tries) };
    };

    const { session, answer } = await send();
    if (isRedirect(answer))
      throw new TypeError('The gateway answered with a redirect, which is not followed.');
    if (answer.status !== 401) return answer;
    const code = await codeOf(answer);
    if (!deadSession.has(code)) return answer;
    sessions.forget(session); // whatever it died of, the next request gets another
    return code === 'expired_token' && canRepeat(init.body) ? (await send()).answer : answer;
  };

  return Object.assign(tollgate, {
    /** @type {import('./index.d.ts').Tollgate['ask']} */
    async ask(path, body, init = {}) {
      const left = new AbortController(); // Firefox goes on receiving what a reader has cancelled
      const signal = init.signal ? AbortSignal.any([init.signal, left.signal]) : left.signal;
      const answer = await tollgate(path, { ...(body === undefined ? init : withJson(body, init)), signal });
      if (!answer.ok) throw await refusalOf(answer);
      return answerOf(answer, { signal: init.signal, leave: () => left.abort() });
    },
    async end() {
      const session = sessions.drop();
      if (!session) return;
      const headers = { authorization: `Bearer ${session.token}` };
      const init = /** @type {const} */ ({ method: 'DELETE', headers, credentials: 'omit', keepalive: true });
      await fetch(`${gateway}/v1/sessions`, init).catch(() => undefined); // then it ends when it expires
    },
  });
}

/**
 * @param {unknown} body
 * @param {RequestInit} init
 */
function withJson(body, init) {
  const headers = new Headers(init.headers);
  headers.set('content-type', 'application/json');
  return { method: 'POST', ...init, headers, body: JSON.stringify(body) };
}

/** @param {string | URL} url */
function originOf(url) {
  const { protocol, origin } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError(`Not an http(s) URL: ${url}`);
  return origin;
}

/**
 * @param {string | URL} url
 * @param {string} gateway an origin
 */
function targetOf(url, gateway) {
  const target = new URL(url, gateway);
  // The protocol too: a blob: URL has the origin of the page that made it.
  if (target.origin === gateway && target.protocol.startsWith('http')) return target;
  throw new TypeError(
    `Tollgate sends requests to ${gateway} only, for they carry its token: not to ${target}`,
  );
}

/** @type {(input: string | URL | Request) => input is Request} */
function isRequest(input) {
  return typeof input === 'object' && 'url' in input; // no instanceof: it may come from another frame
}

/** @param {Response} answer */
function isRedirect({ type, status, headers }) {
  return type === 'opaqueredirect' || (status >= 300 && status < 400 && headers.has('location'));
}

/** 128 bits. Not `randomUUID`, which pages without https do not have. */
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {unknown} body */
function canRepeat(body) {
  if (body === undefined || body === null || typeof body === 'string' || ArrayBuffer.isView(body))
    return true;
  return [ArrayBuffer, Blob, FormData, URLSearchParams].some((type) => body instanceof type);
}
