import { once } from 'node:events';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrustedIssuer } from '../../../src/config/issuer.ts';
import { endpointKinds, endpointPaths } from '../../../src/validation/registry.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, read, type Reply } from '../../support/gateway-client.ts';
import { type OidcIssuer, startIssuer } from '../../support/oidc-issuer.ts';
import { makePageKey, type PageKey, type ProofOf } from '../../support/page-key.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { askSession, mintSession } from '../../support/sessions.ts';
import { trustedIssuer } from '../../unit/sign-in/trusted.ts';

/* Sessions that are bound to a key of their page: RFC 9449. */

const page = 'https://app.example.com';
const algorithms = 'algs="ES256 Ed25519 EdDSA RS256 PS256"';

let key: PageKey;
let thief: PageKey;
beforeAll(async () => {
  [key, thief] = await Promise.all([makePageKey(), makePageKey('Ed25519')]);
});

interface Sending extends Partial<Omit<ProofOf, 'token'>> {
  path?: string;
  body?: object | string;
  by?: PageKey;
  headers?: Record<string, string>;
}

/** Sends a session with a proof, as its page would. */
async function sendProven(gateway: TestGateway, session: string, sending: Sending = {}): Promise<Reply> {
  const {
    path = '/v1/me',
    body,
    by = key,
    headers = {},
    method = body === undefined ? 'GET' : 'POST',
    ...of
  } = sending;
  const dpop = await by.proof({ method, url: gateway.url + path, token: session, ...of });
  return read(
    await fetch(gateway.url + path, {
      method,
      headers: { authorization: `DPoP ${session}`, dpop, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  );
}

const bound = { cnf: { jkt: '' } };
async function boundSession(gateway: TestGateway, token: IssuedToken, more: object = {}): Promise<string> {
  bound.cnf.jkt = key.jkt;
  return (await mintSession(gateway.url, token.text, { ...bound, ...more })).token;
}

describe.each(['memory', 'redis'] as const)('sessions bound to a key, store: %s', (store) => {
  let gateway: TestGateway;
  /** Another process on the same store; with the memory store the same one. */
  let other: TestGateway;
  let provider: OidcIssuer;
  let strict: OidcIssuer;
  let token: IssuedToken;
  let people = 0;

  beforeAll(async () => {
    const redis = store === 'redis' ? { redis: await sharedRedis() } : {};
    [provider, strict] = await Promise.all([startIssuer(), startIssuer()]);
    const entry = (fields: Partial<TrustedIssuer>): TrustedIssuer =>
      trustedIssuer({ audiences: ['the-app'], users: 'create', session: { expires_in: 120 }, ...fields });
    const issuers = [entry({ issuer: provider.url }), entry({ issuer: strict.url, sessionProof: 'nonce' })];
    const env = { ALLOWED_ORIGINS: page };
    gateway = await startGateway({ ...redis, issuers, env });
    other = store === 'redis' ? await startGateway({ ...redis, env, upstream: gateway.upstream }) : gateway;
    await gateway.admin('POST', '/admin/teams', { id: 'acme' });
    token = await gateway.issue({ team: { id: 'acme' }, endpoints: [...endpointPaths] });
  });

  afterAll(async () => {
    if (other !== gateway) await other.close();
    await gateway.close();
    await Promise.all([provider.close(), strict.close()]);
  });

  async function exchange(by: OidcIssuer, dpop?: string): Promise<Reply> {
    const idToken = await by.sign({ aud: 'the-app', sub: `sub-${store}-${(people += 1)}` });
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: idToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    };
    const headers: Record<string, string> = dpop === undefined ? {} : { dpop };
    return read(
      await fetch(`${gateway.url}/oauth/token`, { method: 'POST', headers, body: new URLSearchParams(form) }),
    );
  }

  const exchangeProof = (more: Partial<ProofOf> = {}): Promise<string> =>
    key.proof({ method: 'POST', url: `${gateway.url}/oauth/token`, ...more });

  it('say so, and work for who has the key', async () => {
    const minted = await mintSession(gateway.url, token.text, {
      cnf: { jkt: key.jkt },
      endpoints: [...endpointPaths],
    });
    expect(minted).toMatchObject({ cnf: { jkt: key.jkt } });
    const me = await sendProven(gateway, minted.token);
    expect(me.json['session']).toMatchObject({ id: minted.id, cnf: { jkt: key.jkt } });
    for (const kind of endpointKinds) {
      const headers = { origin: page, 'x-request-id': 'a-request-with-a-proof-001' };
      const reply = await sendProven(other, minted.token, {
        path: paths[kind],
        body: bodies[kind](),
        headers,
      });
      expect(reply.status, `${kind}: ${reply.text}`).toBe(200);
      expect(reply.headers.get('access-control-allow-origin')).toBe(page);
      const sent = gateway.upstream.requests.at(-1)?.headers;
      expect(sent).not.toHaveProperty('dpop');
      expect(JSON.stringify(sent)).not.toContain(minted.token);
    }
    const stream = await sendProven(gateway, minted.token, {
      path: paths.chat,
      body: bodies.chat({ stream: true }),
    });
    expect(stream.text).toContain('[DONE]');
    expect((await sendProven(gateway, minted.token, { path: '/v1/sessions', method: 'DELETE' })).status).toBe(
      204,
    );
    const ended = await sendProven(gateway, minted.token);
    expect([ended.status, errorOf(ended).code]).toEqual([401, 'invalid_token']);
    expect(ended.headers.get('www-authenticate')).toBe(`DPoP error="invalid_token", ${algorithms}`);
  });

  it('are worth nothing to a thief, at any endpoint, on any process', async () => {
    const session = await boundSession(gateway, token);
    const proofOfHolder = await key.proof({ method: 'GET', url: `${gateway.url}/v1/me`, token: session });
    const known = new Set(gateway.routes.map((route) => route.path));
    const all = [...known].filter((path) => /^\/v1\/[^*]+$/.test(path) && !path.startsWith('/v1/v1'));
    expect(all).toEqual(expect.arrayContaining([...endpointPaths, '/v1/me', '/v1/sessions', '/v1/me/usage']));
    const before = gateway.upstream.requests.length;
    /** The statuses of all that a thief can try at one operation. */
    const steal = async (template: string, method: string): Promise<number[]> => {
      const path = template.replace(/:[a-z]+(?:\{.*\})?/g, 'claude-3-5-haiku');
      const url = other.url + path;
      const by = (whose: PageKey): Promise<string> => whose.proof({ method, url, token: session });
      const tries: Record<string, string>[] = [
        { authorization: `Bearer ${session}` },
        { 'x-api-key': session },
        { authorization: `DPoP ${session}` },
        { authorization: `DPoP ${session}`, dpop: await by(thief) },
        { authorization: `Bearer ${session}`, dpop: await by(key) },
      ];
      const isItsOwn = path === '/v1/me' && method === 'GET';
      if (!isItsOwn) tries.push({ authorization: `DPoP ${session}`, dpop: proofOfHolder });
      const body = method === 'POST' ? { body: '{}' } : {};
      const answers = tries.map(async (headers) => read(await fetch(url, { method, headers, ...body })));
      return (await Promise.all(answers)).map((answer) => {
        if (answer.status === 404 || answer.status === 405) return answer.status;
        expect(answer.status, `${method} ${path}: ${answer.text}`).toBe(401);
        expect(['invalid_token', 'invalid_dpop_proof']).toContain(errorOf(answer).code);
        expect(answer.headers.get('www-authenticate')).toMatch(/^DPoP error="\w+", algs="/);
        expect(answer.headers.get('access-control-allow-origin')).toBe('*');
        return answer.status;
      });
    };
    const operations = all.flatMap((path) => ['GET', 'POST', 'DELETE'].map((method) => steal(path, method)));
    const refused = (await Promise.all(operations)).filter((statuses) => statuses.includes(401));
    expect(refused.length).toBeGreaterThan(all.length);
    expect(refused.flat().every((status) => status === 401)).toBe(true);
    expect(gateway.upstream.requests.length).toBe(before);
    expect(gateway.log()).not.toContain(proofOfHolder.split('.')[1]);
    expect((await sendProven(gateway, session)).status, 'the holder goes on').toBe(200);
  });

  it('are proven by each request of a connection', async () => {
    const session = await boundSession(gateway, token);
    const plain = (await mintSession(gateway.url, token.text)).token;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    const me = async (headers: Record<string, string>): Promise<number | undefined> => {
      const asked = httpRequest(`${gateway.url}/v1/me`, { agent, headers }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      sockets.add(asked.socket);
      await once(answer.resume(), 'end');
      return answer.statusCode;
    };
    const proof = (): Promise<string> =>
      key.proof({ method: 'GET', url: `${gateway.url}/v1/me`, token: session });
    const authorization = `DPoP ${session}`;
    expect(await me({ authorization, dpop: await proof() })).toBe(200);
    expect(await me({ authorization })).toBe(401);
    expect(await me({ authorization: `Bearer ${session}` })).toBe(401);
    expect(await me({ authorization, dpop: `${await proof()}x` })).toBe(401);
    expect(await me({ authorization, dpop: await proof() })).toBe(200);
    expect(await me({ authorization: `Bearer ${plain}`, dpop: 'a proof that nobody asked for' })).toBe(200);
    expect(await me({ authorization: `DPoP ${plain}`, dpop: await proof() })).toBe(401);
    expect(await me({ authorization: `DPoP ${plain}` })).toBe(401);
    expect(await me({ authorization: `Bearer ${plain}` })).toBe(200);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('are all that a token makes which asks for a proof', async () => {
    const own = await gateway.issue({ session_proof: 'required' });
    const reply = await askSession(gateway.url, own.text, {});
    expect(reply.status).toBe(400);
    expect(errorOf(reply)).toMatchObject({ param: 'cnf', code: 'invalid_body' });
    expect(errorOf(reply).message).toContain('RFC 7638');
    for (const cnf of [{}, { jkt: 'short' }, { jkt: 7 }, { jkt: key.jkt, x: 1 }, 'text'])
      expect((await askSession(gateway.url, own.text, { cnf })).status).toBe(400);
    expect((await sendProven(gateway, await boundSession(gateway, own))).status).toBe(200);
    expect((await get(`${gateway.url}/v1/me`, { token: own.text })).json['token']).toMatchObject({
      session_proof: 'required',
    });
  });

  it('are asked for from the next request on, when the token changes', async () => {
    const own = await gateway.issue();
    const record = `/admin/teams/${own.team}/tokens/${own.id}`;
    const plain = (await mintSession(gateway.url, own.text)).token;
    const session = await boundSession(gateway, own);
    const chat = (text: string): Promise<Reply> =>
      fetch(other.url + paths.chat, {
        method: 'POST',
        headers: { authorization: `Bearer ${text}` },
        body: JSON.stringify(bodies.chat()),
      }).then((answer) => read(answer));
    expect((await chat(plain)).status).toBe(200);
    await sendProven(other, session, { path: paths.chat, body: bodies.chat() });

    expect((await gateway.admin('PATCH', record, { session_proof: 'nonce' })).status).toBe(200);
    const refused = await chat(plain);
    expect(errorOf(refused)).toMatchObject({ code: 'invalid_token' });
    expect(errorOf(refused).message).toContain('must be bound to a key');
    expect((await sendProven(other, session, { path: paths.chat, body: bodies.chat() })).status).toBe(401);
    expect((await chat(own.text)).status, 'the token itself needs none').toBe(200);

    await gateway.admin('PATCH', record, { session_proof: null });
    expect((await chat(plain)).status).toBe(200);
  });

  it('have the nonces that any process hands out, if the token asks for them', async () => {
    const own = await gateway.issue({ session_proof: 'nonce' });
    const session = await boundSession(gateway, own);
    const first = await sendProven(gateway, session, { headers: { origin: page } });
    expect(first.status).toBe(401);
    expect(errorOf(first).code).toBe('use_dpop_nonce');
    expect(first.headers.get('www-authenticate')).toBe(`DPoP error="use_dpop_nonce", ${algorithms}`);
    expect(first.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
    const nonce = first.headers.get('dpop-nonce');
    const sending = { path: paths.chat, body: bodies.chat({ stream: true }), nonce };
    expect((await sendProven(other, session, sending)).status).toBe(200);
    const again = await key.proof({ method: 'GET', url: `${gateway.url}/v1/me`, token: session, nonce });
    for (let at = 0; at < 2; at += 1) {
      const headers = { authorization: `DPoP ${session}`, dpop: again };
      expect((await get(`${gateway.url}/v1/me`, { headers })).status).toBe(200);
    }
  });

  it('take each proof once, if the token asks for that', async () => {
    const own = await gateway.issue({ session_proof: 'once' });
    const session = await boundSession(gateway, own);
    const nonce = (await sendProven(gateway, session)).headers.get('dpop-nonce');
    const chat = { path: paths.chat, body: bodies.chat(), nonce };
    const jti = 'the-proof-that-is-stolen';
    // The host of a proof that works on either process is one of them.
    const url = `http://127.0.0.1:${gateway.port}${paths.chat}`;
    const dpop = await key.proof({ method: 'POST', url, token: session, nonce, claims: { jti } });
    const headers = { authorization: `DPoP ${session}`, dpop, host: `127.0.0.1:${gateway.port}` };
    const tried = await Promise.all(
      [gateway, other, gateway, other].map((each) => withHost(each, headers, JSON.stringify(chat.body))),
    );
    expect(tried.filter((status) => status === 200)).toHaveLength(1);
    expect(tried.filter((status) => status === 401)).toHaveLength(3);
    expect((await sendProven(other, session, chat)).status, 'another proof').toBe(200);
    expect((await gateway.settled(own.team, 2)).length).toBe(2);
  });

  it('are what POST /oauth/token gives to who sends a proof', async () => {
    const reply = await exchange(provider, await exchangeProof());
    expect(reply.json).toMatchObject({
      token_type: 'DPoP',
      access_token: expect.stringMatching(/^tgs_/) as unknown,
    });
    const session = String(reply.json['access_token']);
    expect((await get(`${gateway.url}/v1/me`, { token: session })).status).toBe(401);
    expect((await sendProven(gateway, session)).json['session']).toMatchObject({ cnf: { jkt: key.jkt } });
    expect((await exchange(provider)).json).toMatchObject({ token_type: 'Bearer' });
  });

  it('are not given by POST /oauth/token for a proof that is wrong', async () => {
    const wrong = [
      'no proof',
      await exchangeProof({ method: 'GET' }),
      await exchangeProof({ url: gateway.url }),
      await exchangeProof({ claims: { iat: 5 } }),
      await exchangeProof({ signer: thief.privateKey, header: { alg: 'Ed25519' } }),
    ];
    for (const dpop of wrong) {
      const reply = await exchange(provider, dpop);
      expect(reply.status).toBe(400);
      expect(reply.json).toMatchObject({ error: 'invalid_dpop_proof' });
    }
    expect(gateway.log()).toContain('"invalid_dpop_proof"');
  });

  it('are all that POST /oauth/token gives, with a nonce, if the entry of the issuer asks for that', async () => {
    const without = await exchange(strict);
    expect(without.status).toBe(400);
    expect(without.json).toMatchObject({ error: 'invalid_dpop_proof' });
    const first = await exchange(strict, await exchangeProof());
    expect(first.json).toMatchObject({ error: 'use_dpop_nonce' });
    expect(first.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
    const nonce = first.headers.get('dpop-nonce');
    // With a nonce the clock of the page does not matter.
    const reply = await exchange(strict, await exchangeProof({ nonce, claims: { iat: 5 } }));
    expect(reply.json).toMatchObject({ token_type: 'DPoP' });
    const session = String(reply.json['access_token']);
    expect((await sendProven(gateway, session)).status).toBe(401);
    expect((await sendProven(gateway, session, { nonce })).status).toBe(200);
  });
});

/** With a Host of its own, which `fetch` does not send. */
async function withHost(
  { port }: TestGateway,
  headers: Record<string, string>,
  body: string,
): Promise<number | undefined> {
  const asked = httpRequest({ host: '127.0.0.1', port, path: paths.chat, method: 'POST', headers }).end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  await once(answer.resume(), 'end');
  return answer.statusCode;
}

describe('where a proof is for', () => {
  it('is one of PUBLIC_URLS, whatever the Host', async () => {
    const gateway = await startGateway({
      env: { PUBLIC_URLS: 'https://llm.example, https://example.com/llm/' },
    });
    const session = await boundSession(gateway, await gateway.issue());
    const at = async (url: string): Promise<number> => (await sendProven(gateway, session, { url })).status;
    expect(await at('https://llm.example/v1/me')).toBe(200);
    expect(await at('https://example.com/llm/v1/me')).toBe(200);
    expect(await at(`${gateway.url}/v1/me`)).toBe(401);
    expect(await at('https://example.com/v1/me')).toBe(401);
    await gateway.close();
  });
});
