// @ts-check

import { outgoingOf } from './outgoing.js';

/** @import { SessionKey } from './index.d.ts' */
/** @import { Outgoing } from './outgoing.js' */

/**
 * A key pair of this page, and proofs made with it (RFC 9449, DPoP). The private key never leaves the browser: not even
 * this page can read it. It lasts as long as the page.
 * @param {string} gateway an origin
 */
export function makeKey(gateway) {
  /** @type {ReturnType<typeof generate> | undefined} */
  let made;
  const key = () => (made ??= generate());
  /** @type {string | undefined} the last that the gateway gave */
  let nonce;

  const sendOnce = async (
    /** @type {Outgoing} */ { method, url, headers, send },
    /** @type {string | null} */ token,
  ) => {
    const claims = {
      jti: crypto.randomUUID(),
      htm: method,
      htu: url.origin + url.pathname,
      iat: Math.floor(Date.now() / 1_000),
      ...(token === null ? {} : { ath: await hashOf(token) }),
      ...(nonce === undefined ? {} : { nonce }),
    };
    headers.set('dpop', await signed(claims, await key()));
    const answer = await send();
    nonce = answer.headers.get('dpop-nonce') ?? nonce;
    return answer;
  };

  /**
   * Sends a request with a proof; once more if the gateway asks for a nonce in it.
   * @param {Outgoing} outgoing
   * @param {string | null} token
   */
  const sendProven = async (outgoing, token) => {
    const answer = await sendOnce(outgoing, token);
    if (!outgoing.canRepeat || !(await asksForNonce(answer))) return answer;
    answer.body?.cancel().catch(() => undefined); // it may have been cut
    return sendOnce(outgoing, token);
  };

  return {
    /** Sends a session's token, with a proof for it. */
    carry: async (/** @type {Outgoing} */ outgoing, /** @type {string} */ token) => {
      outgoing.headers.set('authorization', `DPoP ${token}`);
      return sendProven(outgoing, token);
    },
    /** @returns {Promise<SessionKey>} */
    shown: async () => ({
      jkt: (await key()).jkt,
      fetch: async (path, init = {}) => sendProven(outgoingOf(path, init, gateway), null),
    }),
  };
}

/**
 * @param {object} claims
 * @param {Awaited<ReturnType<typeof generate>>} key
 */
async function signed(claims, { privateKey, jwk }) {
  const parts = [{ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims];
  const text = parts.map((part) => base64url(bytesOf(JSON.stringify(part)))).join('.');
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  return `${text}.${base64url(await crypto.subtle.sign(algorithm, privateKey, bytesOf(text)))}`;
}

async function generate() {
  if (!crypto.subtle)
    throw new TypeError('A bound session needs WebCrypto, which pages have with https only.');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const jwk = { crv, kty, x, y }; // in this order, for its thumbprint: RFC 7638
  return { privateKey, jwk, jkt: await hashOf(JSON.stringify(jwk)) };
}

/** @param {Response} answer the gateway's (401), or that of its `/oauth/token` (400) */
async function asksForNonce(answer) {
  if (answer.status !== 401 && answer.status !== 400) return false;
  if (!answer.headers.has('dpop-nonce')) return false;
  return (await answer.clone().text()).includes('"use_dpop_nonce"');
}

/** @param {string} text */
async function hashOf(text) {
  return base64url(await crypto.subtle.digest('SHA-256', bytesOf(text)));
}

/** @param {string} text */
function bytesOf(text) {
  return new TextEncoder().encode(text);
}

/** @param {ArrayBuffer | Uint8Array} bytes */
function base64url(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
