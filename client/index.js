// @ts-check

import { answerOf } from './answer.js';
import { refusalOf } from './errors.js';
import { originOf, outgoingOf } from './outgoing.js';
import { makeKey } from './proof.js';
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

/** @import { GivenSession, SessionKey, Tollgate, TollgateOptions } from './index.d.ts' */
/** @import { Outgoing } from './outgoing.js' */
/** @typedef {(key?: SessionKey) => Promise<GivenSession | Response>} GetSession Only that of a bound client gets a key. */

/** Codes of a 401 that mean the session is over: it expired, was ended, or its token was. */
const deadSession = new Set(['expired_token', 'invalid_token', 'revoked_token']);

/**
 * @param {TollgateOptions} options
 * @returns {Tollgate}
 */
export function createTollgate(options) {
  const { bound = false, renewBeforeMs, maxTries = 3 } = options;
  const gateway = originOf(options.url);
  const key = bound ? makeKey(gateway) : null;
  const getSession = /** @type {GetSession} */ (options.getSession);
  const sessions = keepSession(async () => getSession(await key?.shown()), renewBeforeMs);
  const carry = key?.carry ?? carryAlone;

  /** @type {Tollgate['ask']} */
  const ask = async (path, body, init = {}) => {
    const left = new AbortController(); // Firefox goes on receiving what a reader has cancelled
    const signal = init.signal ? AbortSignal.any([init.signal, left.signal]) : left.signal;
    const answer = await tollgate(path, { ...(body === undefined ? init : withJson(body, init)), signal });
    if (!answer.ok) throw await refusalOf(answer);
    return answerOf(answer, { signal: init.signal, leave: () => left.abort() });
  };

  const end = async () => {
    const session = sessions.drop();
    if (!session) return;
    const ending = outgoingOf('/v1/sessions', { method: 'DELETE', keepalive: true }, gateway);
    await carry(ending, session.token).catch(() => undefined); // then it ends when it expires
  };

  const tollgate = async (
    /** @type {string | URL | Request} */ input,
    /** @type {RequestInit} */ init = {},
  ) => {
    const outgoing = outgoingOf(input, init, gateway);
    const { method, headers, signal, canRepeat } = outgoing;
    headers.delete('x-api-key'); // the gateway refuses two different credentials
    // One call, one charge, however often one session sends it: the gateway knows a key by its session.
    if (method === 'POST' && !headers.has('idempotency-key')) headers.set('idempotency-key', randomKey());

    const send = async () => {
      const session = await unlessAborted(sessions.current, signal);
      const tries = { maxTries: canRepeat ? maxTries : 1, signal };
      const { answer, isFirst } = await sendUntilAnswered(() => carry(outgoing, session.token), tries);
      if (!isRedirect(answer)) return { session, answer, isFirst };
      throw new TypeError('The gateway answered with a redirect, which is not followed.');
    };

    const { session, answer, isFirst } = await send();
    if (answer.status !== 401) return answer;
    const code = await codeOf(answer);
    if (!deadSession.has(code)) return answer;
    sessions.forget(session); // whatever it died of, the next request gets another
    // An earlier try may have been charged to the session that is over: a new one would be charged again.
    const mayBeCharged = !isFirst && headers.has('idempotency-key');
    if (code !== 'expired_token' || !canRepeat || mayBeCharged) return answer;
    answer.body?.cancel().catch(() => undefined);
    return (await send()).answer;
  };
  return Object.assign(tollgate, { ask, end });
}

/**
 * @param {Outgoing} outgoing
 * @param {string} token
 */
async function carryAlone({ headers, send }, token) {
  headers.set('authorization', `Bearer ${token}`);
  return send();
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

/** @param {Response} answer */
function isRedirect({ type, status, headers }) {
  return type === 'opaqueredirect' || (status >= 300 && status < 400 && headers.has('location'));
}

/** 128 bits. Not `randomUUID`, which pages without https do not have. */
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
