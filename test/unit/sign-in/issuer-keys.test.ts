import type { JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { TrustedIssuer } from '../../../src/config/issuer.ts';
import { IdTokenVerifier, type IdTokenVerifierOptions } from '../../../src/sign-in/id-token.ts';
import { SignInRefusal } from '../../../src/sign-in/oauth-error.ts';
import { makeKey, type OidcIssuer, type SignOptions, startIssuer } from '../../support/oidc-issuer.ts';
import { trustedIssuer } from './trusted.ts';

/* jose measures the age of keys by `Date`, so that is what is turned here; timers and sockets run as ever. */

const clock: Clock = { now: () => Date.now(), monotonic: () => Date.now() };
const floorMs = 5_000;
const cooldownMs = 30_000;
const cacheMaxAgeMs = 600_000;

let issuer: OidcIssuer;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2027, 0, 15) });
  issuer = await startIssuer({ clock });
});
afterEach(async () => {
  vi.useRealTimers();
  await issuer.close();
});

function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

function verifierOf(fields: Partial<TrustedIssuer> = {}, options: Partial<IdTokenVerifierOptions> = {}) {
  return new IdTokenVerifier({
    clock,
    issuers: [trustedIssuer({ issuer: issuer.url, ...fields })],
    ...options,
  });
}

/** `accepted`, or the error of the refusal. */
async function outcome(verifier: IdTokenVerifier, options?: SignOptions): Promise<string> {
  const result = await verifier.verify(await issuer.sign({}, options));
  return result instanceof SignInRefusal ? result.error : 'accepted';
}

/** The outcomes of many tokens at once, each once. */
async function flood(verifier: IdTokenVerifier, options?: SignOptions): Promise<string[]> {
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(verifier, options)));
  return [...new Set(outcomes)];
}

describe('the keys of an issuer', () => {
  it('are found by discovery and fetched once for many tokens at once', async () => {
    expect(await flood(verifierOf())).toEqual(['accepted']);
    expect(issuer.fetches).toEqual({ discovery: 1, jwks: 1 });
  });

  it('are fetched without discovery where their place is configured', async () => {
    expect(await outcome(verifierOf({ jwksUri: issuer.jwksUri }))).toBe('accepted');
    expect(issuer.fetches).toEqual({ discovery: 0, jwks: 1 });
  });

  it('are fetched for nobody the operator does not trust', async () => {
    const stranger = new IdTokenVerifier({ clock, issuers: [trustedIssuer()] });
    expect(await outcome(stranger)).toBe('invalid_request');
    expect(issuer.fetches).toEqual({ discovery: 0, jwks: 0 });
  });

  it('are fetched again once they are too old', async () => {
    const verifier = verifierOf();
    await outcome(verifier);
    pass(cacheMaxAgeMs - 1);
    expect(await outcome(verifier)).toBe('accepted');
    expect(issuer.fetches).toEqual({ discovery: 1, jwks: 1 });
    pass(1);
    expect(await outcome(verifier)).toBe('accepted');
    expect(issuer.fetches).toEqual({ discovery: 2, jwks: 2 });
  });

  it('are found in a new place once discovery names one', async () => {
    const verifier = verifierOf();
    await outcome(verifier);
    const elsewhere = await startIssuer({ clock });
    try {
      issuer.discovery['jwks_uri'] = elsewhere.jwksUri;
      const key = elsewhere.key('RS256');
      expect(await outcome(verifier, { key })).toBe('temporarily_unavailable');
      pass(cacheMaxAgeMs);
      expect(await outcome(verifier, { key })).toBe('accepted');
      expect(await outcome(verifier)).toBe('temporarily_unavailable');
      expect(elsewhere.fetches).toEqual({ discovery: 0, jwks: 1 });
    } finally {
      await elsewhere.close();
    }
  });
});

describe('rotation', () => {
  it('is noticed once the cooldown is over, and the old key no longer counts', async () => {
    const verifier = verifierOf();
    const old = issuer.key('RS256');
    await outcome(verifier);
    await issuer.rotate();
    pass(cooldownMs - 1_000);
    // The new key may be published by now, which only another fetch could tell.
    expect(await verifier.verify(await issuer.sign())).toMatchObject({
      error: 'temporarily_unavailable',
      retryAfterS: 1,
      cause: undefined,
    });
    expect(await outcome(verifier, { key: old })).toBe('accepted');
    pass(1_000);
    expect(await flood(verifier)).toEqual(['accepted']);
    expect(await outcome(verifier, { key: old })).toBe('temporarily_unavailable');
    pass(cooldownMs);
    expect(await outcome(verifier, { key: old })).toBe('invalid_request');
    expect(issuer.fetches.jwks).toBe(3);
  });

  it('is not looked for more than once a cooldown, however many unknown keys are named', async () => {
    const verifier = verifierOf();
    await outcome(verifier);
    const unknown = await makeKey('ES256');
    for (const fetches of [2, 3, 4]) {
      expect(await flood(verifier, { key: unknown })).toEqual(['temporarily_unavailable']);
      pass(cooldownMs);
      expect(await outcome(verifier, { key: unknown })).toBe('invalid_request');
      expect(issuer.fetches.jwks).toBe(fetches);
    }
  });
});

describe('an issuer that is down', () => {
  it.each([
    ['the discovery', null, { discovery: 1, jwks: 0 }, { discovery: 2, jwks: 0 }],
    ['the JWKS', 'jwks', { discovery: 0, jwks: 1 }, { discovery: 0, jwks: 2 }],
  ])('is asked for %s once a floor, and works again after', async (_, place, first, second) => {
    const verifier = verifierOf({ jwksUri: place === null ? null : issuer.jwksUri });
    issuer.setDown();
    expect(await flood(verifier)).toEqual(['temporarily_unavailable']);
    expect(await flood(verifier)).toEqual(['temporarily_unavailable']);
    expect(issuer.fetches).toEqual(first);
    pass(floorMs);
    expect(await flood(verifier)).toEqual(['temporarily_unavailable']);
    expect(issuer.fetches).toEqual(second);
    issuer.setDown(false);
    expect(await outcome(verifier)).toBe('temporarily_unavailable');
    pass(floorMs);
    expect(await outcome(verifier)).toBe('accepted');
  });

  it('does not matter to keys that are known and young', async () => {
    const verifier = verifierOf();
    await outcome(verifier);
    issuer.setDown();
    pass(cooldownMs);
    const unknown = await makeKey('RS256');
    expect(await flood(verifier, { key: unknown })).toEqual(['temporarily_unavailable']);
    expect(await flood(verifier)).toEqual(['accepted']);
    expect(issuer.fetches.jwks).toBe(2);
    pass(cacheMaxAgeMs);
    expect(await outcome(verifier)).toBe('temporarily_unavailable');
  });

  it('is told with a status of its own and its cause for the log', async () => {
    issuer.setDown();
    const refusal = await verifierOf().verify(await issuer.sign());
    expect(refusal).toMatchObject({
      status: 503,
      cause: { name: 'KeysUnavailable', cause: expect.anything() },
    });
  });
});

describe('an issuer that is slow', () => {
  it.each([
    ['the discovery', null],
    ['the JWKS', 'jwks'],
  ])('is not waited for longer than the timeout: %s', async (_, place) => {
    const verifier = verifierOf({ jwksUri: place === null ? null : issuer.jwksUri }, { timeoutMs: 500 });
    issuer.setSlow(60_000);
    expect(await flood(verifier)).toEqual(['temporarily_unavailable']);
    expect(issuer.fetches.discovery + issuer.fetches.jwks).toBe(1);
    issuer.setSlow(0);
    pass(floorMs);
    expect(await outcome(verifier)).toBe('accepted');
  });
});

describe('an issuer whose documents are wrong', () => {
  const ownName = 'openid-configuration';

  it.each([
    ['names another issuer', () => ({ issuer: 'https://evil.example.com' }), /another issuer/],
    ['names itself with a slash', (url: string) => ({ issuer: `${url}/` }), /another issuer/],
    ['has keys at a plain http URL', () => ({ jwks_uri: 'http://keys.example.com/jwks' }), /not https/],
    ['has keys in a file', () => ({ jwks_uri: 'file:///etc/passwd' }), /not https/],
    ['has keys nowhere', () => ({ jwks_uri: undefined }), /jwks_uri/],
    ['has keys where there are none', (url: string) => ({ jwks_uri: `${url}/nowhere` }), /200/],
    ['has keys where a redirect leads', (url: string) => ({ jwks_uri: `${url}/moved/jwks` }), /200/],
    ['is no key set', (url: string) => ({ jwks_uri: `${url}/.well-known/${ownName}` }), /malformed/],
  ])('is unavailable: discovery %s', async (_, lie, message) => {
    Object.assign(issuer.discovery, lie(issuer.url));
    const refusal = await verifierOf().verify(await issuer.sign());
    const cause = { cause: { message: expect.stringMatching(message) } };
    expect(refusal).toMatchObject({ error: 'temporarily_unavailable', cause });
    expect(issuer.fetches.jwks).toBe(0);
  });

  it('is unavailable where discovery redirects', async () => {
    const moved = `${issuer.url}/moved`;
    issuer.discovery['issuer'] = moved;
    const refusal = await verifierOf({ issuer: moved }).verify(await issuer.sign({ iss: moved }));
    expect(refusal).toMatchObject({ error: 'temporarily_unavailable' });
    expect(issuer.fetches).toEqual({ discovery: 0, jwks: 0 });
  });

  it.each([
    [
      'has more keys than any issuer needs',
      () => issuer.jwks.push(...Array.from({ length: 100 }, (): JWK => ({ kty: 'oct' }))),
      /more than 100/,
    ],
    [
      'is larger than any key set',
      () => issuer.jwks.push({ kty: 'oct', k: 'x'.repeat(600_000) }),
      /too large/,
    ],
  ])('is unavailable: the key set %s', async (_, grow, message) => {
    grow();
    const refusal = await verifierOf().verify(await issuer.sign());
    const cause = { cause: { message: expect.stringMatching(message) } };
    expect(refusal).toMatchObject({ error: 'temporarily_unavailable', retryAfterS: 5, cause });
  });

  it('is unavailable: discovery is larger than any configuration', async () => {
    issuer.discovery['padding'] = 'x'.repeat(600_000);
    const refusal = await verifierOf().verify(await issuer.sign());
    const cause = { cause: { message: expect.stringMatching(/too large/) } };
    expect(refusal).toMatchObject({ error: 'temporarily_unavailable', cause });
  });

  it('has no keys that count where it publishes a secret one', async () => {
    issuer.jwks.splice(0, issuer.jwks.length, {
      kty: 'oct',
      k: 'AAAA',
      kid: issuer.key('RS256').kid,
      alg: 'HS256',
    });
    expect(await outcome(verifierOf())).toBe('invalid_request');
  });
});
