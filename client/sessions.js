// @ts-check

import { sessionRefusalOf } from './errors.js';

/** @import { GivenSession } from './index.d.ts' */
/** @typedef {{ token: string, renewAt: number, expiresAt: number }} Held Times in ms since the epoch. */

/** If less time is left than this, a request waits for the renewal. */
const tooShortMs = 1_000;

/**
 * The one session that all requests share, and its renewal.
 * @param {() => Promise<GivenSession | Response>} getSession
 * @param {number | undefined} renewBeforeMs
 */
export function keepSession(getSession, renewBeforeMs) {
  /** @type {Held | undefined} */
  let session;
  /** @type {Promise<Held> | undefined} */
  let renewal;

  const obtain = async () => {
    const askedAt = Date.now();
    return hold(await read(await getSession()), askedAt, renewBeforeMs);
  };
  const renew = () => {
    if (renewal) return renewal;
    const mine = obtain();
    renewal = mine;
    const settle = (/** @type {Held | undefined} */ held) => {
      if (renewal !== mine) return; // it was dropped meanwhile
      renewal = undefined;
      session = held ?? session;
    };
    mine.then(settle, () => settle(undefined));
    return mine;
  };

  const current = async () => {
    const now = Date.now();
    if (!session) return renew();
    if (now < session.renewAt) return session;
    const held = session;
    const renewed = renew();
    if (held.expiresAt - now <= tooShortMs) return renewed;
    renewed.catch(() => {
      // The session is still good: the next request tries again.
    });
    return held;
  };
  /** Drops a session that the gateway refused, unless it was already replaced. */
  const forget = (/** @type {Held} */ refused) => {
    if (session === refused) session = undefined;
  };
  /** Drops whatever there is, and a renewal on its way; gives what there was. */
  const drop = () => {
    const dropped = session;
    session = renewal = undefined;
    return dropped;
  };
  return { current, forget, drop };
}

/**
 * @param {GivenSession | Response} given
 * @returns {Promise<GivenSession>}
 */
async function read(given) {
  if (!isResponse(given)) return given;
  if (!given.ok) throw await sessionRefusalOf(given);
  return given.json().catch(() => undefined);
}

/** @type {(given: any) => given is Response} */
function isResponse(given) {
  return typeof given?.json === 'function' && 'ok' in given; // no instanceof: it may come from another frame
}

/**
 * @param {any} given unchecked
 * @param {number} askedAt ms since the epoch
 * @param {number | undefined} renewBeforeMs
 * @returns {Held}
 */
function hold(given, askedAt, renewBeforeMs) {
  const { token = given?.access_token, expires_in: seconds, expires_at: time } = given ?? {};
  if (typeof token !== 'string' || token === '') throw new TypeError('getSession() gave no token.');
  const toldMs = typeof seconds === 'number' ? seconds * 1_000 : Date.parse(time ?? '') - askedAt;
  // No expiry, or already past, perhaps because this clock is wrong: the session is used until it is refused.
  const lifeMs = toldMs > 0 ? toldMs : Infinity;
  const beforeMs = Math.min(renewBeforeMs ?? Math.min(lifeMs / 10, 60_000), lifeMs / 2);
  return { token, renewAt: askedAt + lifeMs - beforeMs, expiresAt: askedAt + lifeMs };
}
