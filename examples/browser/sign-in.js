// @ts-check

/*
 * Signing in with OpenID Connect from a page: authorization code with PKCE (RFC 7636), state and nonce, then the ID
 * token for a session of the gateway (RFC 8693). The ID token stays in this page's memory.
 */

/**
 * @typedef {Record<string, string>} Kept What the page needs again when the visitor comes back.
 * @typedef {{ state: string, nonce: string, verifier: string, kept: Kept }} Departure
 * @typedef {{ sub: string, exp: number, nonce?: string, iss: string, aud: string | string[], name?: string }} Claims
 */

/** An ID token with less time left than this is not exchanged. */
const marginS = 30;
const departureKey = 'sign-in';

/** An OAuth error: `code` is its `error`. */
export class SignInError extends Error {
  /** @param {{ error?: string, error_description?: string }} answer */
  constructor({ error = 'unknown', error_description: description = 'No reason was given.' }) {
    super(description);
    this.name = 'SignInError';
    this.code = error;
  }
}

/** @param {{ issuer: string, clientId: string, redirectUri: string }} client */
export function createSignIn({ issuer, clientId, redirectUri }) {
  /** @type {{ idToken: string, claims: Claims } | undefined} */
  let signedIn;

  /** The provider's addresses. Its answer must name the issuer itself (OpenID Connect Discovery, 4.3). */
  async function provider() {
    const found = await jsonOf(await send(`${issuer}/.well-known/openid-configuration`));
    if (found.issuer !== issuer) throw problem('The provider names another issuer.');
    return found;
  }

  return {
    isFresh: () => signedIn !== undefined && signedIn.claims.exp - marginS > Date.now() / 1_000,

    /**
     * Goes to the provider's page. Never resolves.
     * @param {Kept} kept
     * @returns {Promise<never>}
     */
    async leave(kept) {
      const { authorization_endpoint: endpoint } = await provider();
      /** @type {Departure} */
      const departure = { state: random(), nonce: random(), verifier: random(), kept };
      sessionStorage.setItem(departureKey, JSON.stringify(departure));
      const target = new URL(endpoint);
      target.search = String(
        new URLSearchParams({
          response_type: 'code',
          client_id: clientId,
          redirect_uri: redirectUri,
          scope: 'openid profile',
          state: departure.state,
          nonce: departure.nonce,
          code_challenge: await challengeOf(departure.verifier),
          code_challenge_method: 'S256',
        }),
      );
      location.assign(target);
      return new Promise(() => undefined);
    },

    /** Completes a sign-in when the provider has sent the visitor back; null if there is none. */
    async comeBack() {
      const query = new URLSearchParams(location.search);
      if (!query.has('state')) return null;
      history.replaceState(null, '', location.pathname); // a code is good once
      const departure = takeDeparture();
      if (departure?.state !== query.get('state')) throw problem('This page did not ask for that sign-in.');
      if ((query.get('iss') ?? issuer) !== issuer) throw problem('Another provider answered (RFC 9207).');
      if (query.has('error')) throw new SignInError(Object.fromEntries(query));

      const { token_endpoint: endpoint } = await provider();
      const answer = await post(endpoint, {
        grant_type: 'authorization_code',
        client_id: clientId,
        redirect_uri: redirectUri,
        code: query.get('code') ?? '',
        code_verifier: departure.verifier,
      });
      const { id_token: idToken } = await jsonOf(answer);
      const claims = claimsOf(idToken);
      if (claims.nonce !== departure.nonce) throw problem('The ID token belongs to another sign-in.');
      if (claims.iss !== issuer || ![claims.aud].flat().includes(clientId))
        throw problem('The ID token is not for us.');
      signedIn = { idToken, claims };
      return { claims, kept: departure.kept };
    },

    /**
     * Asks the gateway for a session for the ID token, bound to the page's key, and gives the response. The gateway
     * checks the token's signature.
     * @param {import('../../client/index.js').SessionKey} key
     */
    exchange(key) {
      const body = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: signedIn?.idToken ?? '',
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      });
      return key.fetch('/oauth/token', { method: 'POST', body, signal: AbortSignal.timeout(10_000) });
    },

    /** Signs out of this page. This provider remembers nobody; another has an `end_session_endpoint` to go to. */
    forget() {
      signedIn = undefined;
    },
  };
}

/** @returns {Departure | null} */
function takeDeparture() {
  const text = sessionStorage.getItem(departureKey);
  sessionStorage.removeItem(departureKey);
  return text === null ? null : JSON.parse(text);
}

/**
 * Read only, not verified: it came from the provider itself over its own connection (OpenID Connect Core, 3.1.3.7, 6).
 * @param {string} idToken
 * @returns {Claims}
 */
function claimsOf(idToken) {
  const [, payload = ''] = idToken.split('.');
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (each) =>
    each.charCodeAt(0),
  );
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** @param {string} verifier */
async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/** 256 bits of it, as text. */
function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/**
 * @param {string} url
 * @param {Record<string, string>} form
 */
function post(url, form) {
  return send(url, { method: 'POST', body: new URLSearchParams(form) });
}

/**
 * @param {string} url
 * @param {RequestInit} [init]
 */
function send(url, init) {
  return fetch(url, { ...init, credentials: 'omit', signal: AbortSignal.timeout(10_000) });
}

/** @param {Response} answer */
async function jsonOf(answer) {
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new SignInError(body);
  return body;
}

/** @param {string} message */
function problem(message) {
  return new SignInError({ error: 'sign_in_refused', error_description: message });
}
