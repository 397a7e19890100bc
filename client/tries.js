// @ts-check

import { NetworkError, retryAfterMs } from './errors.js';

/** A longer wait is the caller's to decide: the answer is passed on. So long, too, an earlier try is waited for. */
const maxWaitMs = 30_000;

/** The gateway, Heroku or something between them could not answer now. Nothing of an answer has come yet. */
const passing = new Set([502, 503, 504]);

/**
 * Sends until an answer comes that is worth passing on. A 429 is one: it costs nothing to show it at once.
 * @param {() => Promise<Response>} send one try
 * @param {{ maxTries: number, signal: AbortSignal | null | undefined }} options
 * @returns {Promise<{ answer: Response, isFirst: boolean }>} `isFirst`: nothing was sent before it, so nothing was charged.
 */
export async function sendUntilAnswered(send, { maxTries, signal }) {
  let waitedMs = 0;
  let isFirst = true;
  for (let tries = 1; ; tries += 1) {
    const isLast = tries >= maxTries;
    const outcome = await send().catch((error) => failureOf(error, signal));
    if (outcome instanceof NetworkError) {
      if (isLast) throw outcome;
      isFirst = false;
      await pause(backoffMs(tries), signal);
      continue;
    }
    let waitMs = isLast ? null : waitMsFor(outcome, tries);
    // An earlier try is at work: its connection broke, and the gateway has yet to notice, or to finish.
    if (maxTries > 1 && waitedMs < maxWaitMs && (await isInProgress(outcome))) {
      waitMs = Math.max(retryAfterMs(outcome.headers) ?? 0, 1_000);
      waitedMs += waitMs;
      tries -= 1; // asking for it is none
    }
    if (waitMs === null) return { answer: outcome, isFirst };
    isFirst = false;
    outcome.body?.cancel().catch(() => undefined); // it may have been cut
    await pause(waitMs, signal);
  }
}

/**
 * @param {unknown} error
 * @param {AbortSignal | null | undefined} signal
 */
function failureOf(error, signal) {
  if (signal?.aborted) throw signal.reason;
  if (!(error instanceof Error)) throw error;
  const message = `The gateway could not be reached: ${error.message}`;
  return new NetworkError({ code: 'network_error', message, cause: error });
}

/**
 * How long to wait before the next try, in ms; null if the answer is to be passed on.
 * @param {Response} answer
 * @param {number} tries so far
 */
function waitMsFor(answer, tries) {
  if (answer.headers.get('x-should-retry') === 'false' || !passing.has(answer.status)) return null;
  const waitMs = Math.max(retryAfterMs(answer.headers) ?? 0, backoffMs(tries));
  return waitMs <= maxWaitMs ? waitMs : null;
}

/**
 * Whether an earlier try with the same key is still running.
 * @param {Response} answer
 */
async function isInProgress(answer) {
  return answer.status === 409 && (await codeOf(answer)) === 'in_progress';
}

/**
 * The gateway's code of an error. The answer can still be read.
 * @param {Response} answer
 * @returns {Promise<string>} '' if there is none
 */
export async function codeOf(answer) {
  try {
    return (await answer.clone().json()).error.code;
  } catch {
    return ''; // not the gateway's JSON
  }
}

/** Half a second, doubled with each try; up to half of it is left out at random, so that pages do not come together. */
function backoffMs(/** @type {number} */ tries) {
  return 500 * 2 ** (tries - 1) * (1 - Math.random() / 2);
}

/**
 * @param {number} ms
 * @param {AbortSignal | null | undefined} signal
 */
function pause(ms, signal) {
  return unlessAborted(() => new Promise((resolve) => setTimeout(resolve, ms)), signal);
}

/**
 * The result of the work, or the signal's reason if that comes first. The work itself goes on.
 * @template T
 * @param {() => Promise<T>} start
 * @param {AbortSignal | null | undefined} signal
 * @returns {Promise<T>}
 */
export function unlessAborted(start, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal?.reason);
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop);
    const settled = () => signal?.removeEventListener('abort', stop);
    start().then(resolve, reject).finally(settled);
  });
}
