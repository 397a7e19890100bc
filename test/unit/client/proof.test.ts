import { hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, type JWK, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTollgate, type SessionKey, type Tollgate } from '../../../client/index.js';
import {
  type Arrived,
  type PretendGateway,
  sendError,
  sendJson,
  startPretendGateway,
} from '../../support/pretend-gateway.ts';

let gateway: PretendGateway;
let tollgate: Tollgate;
let given: SessionKey[];

beforeEach(async () => {
  gateway = await startPretendGateway();
  given = [];
  const getSession = (key: SessionKey): ReturnType<typeof gateway.getSession> => {
    given.push(key);
    return gateway.getSession();
  };
  tollgate = createTollgate({ url: gateway.origin, bound: true, getSession });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await gateway.close();
});

const proofOf = ({ headers }: Arrived): string => String(headers['dpop']);

/** The claims of a request's proof, once its signature has been checked with the key in it; and that key's thumbprint. */
async function verified(arrived: Arrived): Promise<{ jkt: string; [claim: string]: unknown }> {
  const { payload } = await jwtVerify(proofOf(arrived), EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256'],
  });
  const { jwk } = decodeProtectedHeader(proofOf(arrived)) as { jwk: JWK };
  expect(Object.keys(jwk).toSorted()).toEqual(['crv', 'kty', 'x', 'y']);
  return { ...payload, jkt: await calculateJwkThumbprint(jwk) };
}

/** The first answer asks for a nonce; all others bring another. */
function askForNonce(refuse: (response: ServerResponse) => void): void {
  gateway.answer = (_arrived, response) => {
    const count = gateway.arrived.length;
    response.setHeader('dpop-nonce', `nonce-${count}`);
    if (count === 1) refuse(response);
    else sendJson(response, 200, {});
  };
}
const refuseAsGateway = (response: ServerResponse): void => sendError(response, 401, 'use_dpop_nonce');

describe('a bound session', () => {
  it('is asked for with the thumbprint of the key, and goes with a proof for each request', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_764_543_600_999);
    await tollgate('/v1/chat/completions?x=1', { method: 'POST', body: '{}' });
    await tollgate('/v1/models', { headers: { DPoP: 'mine' } });
    const [chat, models] = await Promise.all(gateway.arrived.map(verified));
    const iat = 1_764_543_600;
    const ath = hash('sha256', 'tgs_1', 'base64url');
    const [key] = given;
    expect(chat).toMatchObject({
      htm: 'POST',
      htu: `${gateway.origin}/v1/chat/completions`,
      iat,
      ath,
      jkt: key?.jkt,
    });
    expect(models).toMatchObject({ htm: 'GET', htu: `${gateway.origin}/v1/models`, ath, jkt: key?.jkt });
    expect(chat?.['jti']).not.toBe(models?.['jti']);
    expect(gateway.arrived.map(({ headers }) => headers.authorization)).toEqual(['DPoP tgs_1', 'DPoP tgs_1']);
    expect(given).toHaveLength(1);
  });

  it('is bound to a key that cannot be read', async () => {
    const generateKey = vi.spyOn(crypto.subtle, 'generateKey');
    await tollgate('/v1/models');
    await tollgate('/v1/models');
    expect(generateKey).toHaveBeenCalledTimes(1);
    const made = (await generateKey.mock.results[0]?.value) as { privateKey: { extractable: boolean } };
    expect(made.privateKey.extractable).toBe(false);
  });

  it('is sent again with the nonce that is asked for, and then with the last that came', async () => {
    askForNonce(refuseAsGateway);
    const fetching = vi.spyOn(globalThis, 'fetch');
    expect((await tollgate('/v1/x', { method: 'POST', body: 'x' })).status).toBe(200);
    expect((await fetching.mock.results[0]?.value) as Response).toHaveProperty('bodyUsed', true);
    await tollgate('/v1/x');
    const claims = await Promise.all(gateway.arrived.map(verified));
    expect(claims.map(({ nonce }) => nonce)).toEqual([undefined, 'nonce-1', 'nonce-2']);
    expect(gateway.arrived.map(({ body }) => body)).toEqual(['x', 'x', '']);
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
  });

  it('is sent once if its body is a stream: the nonce is for the next', async () => {
    askForNonce(refuseAsGateway);
    const streamed = (): RequestInit => ({ method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' });
    expect((await tollgate('/v1/x', streamed())).status).toBe(401);
    expect((await tollgate('/v1/x', streamed())).status).toBe(200);
    expect(gateway.arrived).toHaveLength(2);
  });

  it('is not sent again for another reason', async () => {
    askForNonce((response) => sendError(response, 401, 'invalid_dpop_proof'));
    const answer = await tollgate('/v1/x');
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_dpop_proof' } });
    expect(gateway.arrived).toHaveLength(1);
  });

  it('has a new proof for each try, with the new session when the old one has expired', async () => {
    gateway.expire('tgs_1');
    await tollgate('/v1/x', { method: 'POST' });
    const claims = await Promise.all(gateway.arrived.map(verified));
    const hashes = ['tgs_1', 'tgs_2'].map((token) => hash('sha256', token, 'base64url'));
    expect(claims.map(({ ath }) => ath)).toEqual(hashes);
    expect(new Set(given.map(({ jkt }) => jkt)).size).toBe(1);
  });

  it('is ended with a proof, too', async () => {
    await tollgate('/v1/models');
    await tollgate.end();
    const [, ending] = await Promise.all(gateway.arrived.map(verified));
    expect(ending).toMatchObject({ htm: 'DELETE', htu: `${gateway.origin}/v1/sessions` });
  });

  it('needs WebCrypto', async () => {
    vi.spyOn(crypto, 'subtle', 'get').mockReturnValue(undefined as unknown as typeof crypto.subtle);
    await expect(tollgate('/v1/models')).rejects.toThrow('A bound session needs WebCrypto');
  });
});

describe('the fetch of the key', () => {
  const exchanging = (): Tollgate =>
    createTollgate({
      url: gateway.origin,
      bound: true,
      getSession: (key) =>
        key.fetch('/oauth/token', { method: 'POST', body: new URLSearchParams({ a: 'b' }) }),
    });

  it('sends a proof without a session, again with a nonce if one is asked for', async () => {
    gateway.answer = ({ path }, response) => {
      const isFirst = gateway.arrived.length === 1;
      response.setHeader('dpop-nonce', 'nonce-1');
      if (isFirst) response.writeHead(400).end('{"error":"use_dpop_nonce","error_description":"…"}');
      else
        sendJson(
          response,
          200,
          path === '/oauth/token' ? { access_token: 'tgs_own', token_type: 'DPoP' } : {},
        );
    };
    await exchanging()('/v1/models');
    const [first, second, request] = await Promise.all(gateway.arrived.map(verified));
    expect(first).toMatchObject({ htm: 'POST', htu: `${gateway.origin}/oauth/token` });
    expect(first).not.toHaveProperty('ath');
    expect([second?.['nonce'], request?.['nonce']]).toEqual(['nonce-1', 'nonce-1']);
    expect(gateway.arrived.map(({ body }) => body)).toEqual(['a=b', 'a=b', '']);
    expect(gateway.arrived[0]?.headers).not.toHaveProperty('authorization');
    expect(request).toMatchObject({ ath: hash('sha256', 'tgs_own', 'base64url'), jkt: first?.jkt });
  });

  it('goes to the gateway only', async () => {
    const url = 'https://elsewhere.example/token';
    const other = createTollgate({ url: gateway.origin, bound: true, getSession: (key) => key.fetch(url) });
    await expect(other('/v1/models')).rejects.toThrow(`requests to ${gateway.origin} only`);
  });
});
