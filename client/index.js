// @ts-check

/** @import { TollgateOptions, TollgateSession } from './index.d.ts' */
/** @typedef {{ token: string, renewAt: number, expiresAt: number }} Held Times in ms since the epoch. */

/** If less time is left than this, a request waits for the renewal. */
const tooShortMs = 1_000;

/** Codes of a 401 that mean the session is over: it expired, was ended, or its token was. */
const deadSession = new Set(['expired_token', 'invalid_token', 'revoked_token']);

/** @type {typeof import('./index.d.ts').createTollgate} */
export function createTollgate({ url, getSession, renewBeforeMs }) {
  const gateway = originOf(url);
  const sessions = keepSession(getSession, renewBeforeMs);

  return async (input, init = {}) => {
    const request = isRequest(input) ? input : undefined;
    const target = targetOf(isRequest(input) ? input.url : input, gateway);
    const signal = init.signal === undefined ? request?.signal : init.signal;
    const send = (/** @type {Held} */ { token }) => {
      const headers = new Headers(init.headers ?? request?.headers);
      headers.set('authorization', `Bearer ${token}`);
      headers.delete('x-api-key'); // the gateway refuses two different credentials
      return fetch(request ? request.clone() : target, {
        ...init,
        headers,
        signal: signal ?? null,
        credentials: 'omit',
        redirect: 'error', // it could carry the token to another origin
      });
    };

    const session = await unlessAborted(sessions.current, signal);
    const answer = await send(session);
    const code = await refusedFor(answer);
    if (!deadSession.has(code)) return answer;
    sessions.forget(session); // whatever it died of, the next request gets another
    return code === 'expired_token' && canRepeat(init.body)
      ? send(await unlessAborted(sessions.current, signal))
      : answer;
  };
}

/**
 * The one session all requests share, and its renewal.
 * @param {TollgateOptions['getSession']} getSession
 * @param {number | undefined} renewBeforeMs
 */
function keepSession(getSession, renewBeforeMs) {
  /** @type {Held | undefined} */
  let session;
  /** @type {Promise<Held> | undefined} */
  let renewal;

  const obtain = async () => {
    const askedAt = Date.now();
    session = hold(await getSession(), askedAt, renewBeforeMs);
    return session;
  };
  const renew = () => {
    renewal ??= obtain().finally(() => {
      renewal = undefined;
    });
    return renewal;
  };

  const current = async () => {
    const now = Date.now();
    if (!session) return renew();
    if (now < session.renewAt) return session;
    const renewed = renew();
    if (session.expiresAt - now <= tooShortMs) return renewed;
    renewed.catch(() => {
      // The session is still good: the next request tries again.
    });
    return session;
  };
  /** Drops a session that the gateway refused, unless it was already replaced. */
  const forget = (/** @type {Held} */ refused) => {
    if (session === refused) session = undefined;
  };
  return { current, forget };
}

/**
 * @param {Partial<TollgateSession> | undefined} session unchecked
 * @param {number} askedAt ms since the epoch
 * @param {number | undefined} renewBeforeMs
 * @returns {Held}
 */
function hold(session, askedAt, renewBeforeMs) {
  const { token, expires_in: seconds, expires_at: time } = session ?? {};
  if (typeof token !== 'string' || token === '') throw new TypeError('getSession() gave no token.');
  const toldMs = typeof seconds === 'number' ? seconds * 1_000 : Date.parse(time ?? '') - askedAt;
  // No expiry, or already past, perhaps because this clock is wrong: the session is used until it is refused.
  const lifeMs = toldMs > 0 ? toldMs : Infinity;
  const beforeMs = Math.min(renewBeforeMs ?? Math.min(lifeMs / 10, 60_000), lifeMs / 2);
  return { token, renewAt: askedAt + lifeMs - beforeMs, expiresAt: askedAt + lifeMs };
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

/**
 * The gateway's code of a 401.
 * @param {Response} answer
 * @returns {Promise<string>} '' if there is none
 */
async function refusedFor(answer) {
  if (answer.status !== 401) return '';
  try {
    return (await answer.clone().json()).error.code;
  } catch {
    return ''; // not the gateway's JSON
  }
}

/** @param {unknown} body */
function canRepeat(body) {
  if (body === undefined || body === null || typeof body === 'string' || ArrayBuffer.isView(body))
    return true;
  return [ArrayBuffer, Blob, FormData, URLSearchParams].some((type) => body instanceof type);
}

/**
 * The result of the work, or the signal's reason if that comes first. The work itself goes on.
 * @template T
 * @param {() => Promise<T>} start
 * @param {AbortSignal | null | undefined} signal
 * @returns {Promise<T>}
 */
function unlessAborted(start, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal?.reason);
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop);
    const settled = () => signal?.removeEventListener('abort', stop);
    start().then(resolve, reject).finally(settled);
  });
}
