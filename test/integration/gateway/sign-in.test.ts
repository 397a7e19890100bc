import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrustedIssuer } from '../../../src/config/issuer.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, read, type Reply } from '../../support/gateway-client.ts';
import { userIdFor } from '../../../src/identity/records/end-user.ts';
import { makeKey, type OidcIssuer, startIssuer } from '../../support/oidc-issuer.ts';
import { waitFor } from '../../support/wait-for.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { trustedIssuer } from '../../unit/sign-in/trusted.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const idToken = 'urn:ietf:params:oauth:token-type:id_token';
const app = 'https://app.example.com';

describe.each(['memory', 'redis'] as const)('POST /oauth/token, store: %s', (store) => {
  let redis: SharedRedis | null = null;
  let provider: OidcIssuer;
  let partner: OidcIssuer;
  let club: OidcIssuer;
  let gateway: TestGateway;
  let people = 0;

  const entry = (fields: Partial<TrustedIssuer>): TrustedIssuer =>
    trustedIssuer({
      audiences: ['the-app'],
      users: 'create',
      team: { kind: 'fixed', team: 'acme' },
      maxExchanges: 3,
      session: { expires_in: 120, origins: [app], limits: [{ metric: 'requests', window: 'hour', max: 2 }] },
      ...fields,
    });

  beforeAll(async () => {
    if (store === 'redis') redis = await sharedRedis();
    provider = await startIssuer();
    partner = await startIssuer();
    club = await startIssuer();
    gateway = await startGateway({
      ...(redis ? { redis } : {}),
      issuers: [
        entry({ issuer: provider.url }),
        entry({ issuer: partner.url, users: 'existing', session: {} }),
        entry({
          issuer: club.url,
          session: {},
          person: { limits: [{ metric: 'requests', window: 'day', max: 2 }] },
        }),
      ],
    });
    await gateway.admin('POST', '/admin/teams', { id: 'acme' });
  });

  afterAll(async () => {
    await gateway.close();
    await provider.close();
    await partner.close();
    await club.close();
  });

  const newSub = (): string => `sub-${store}-${(people += 1)}`;

  function exchange(subjectToken: string, more: Record<string, string> = {}): Promise<Reply> {
    const form = { grant_type: grantType, subject_token: subjectToken, subject_token_type: idToken, ...more };
    return send(new URLSearchParams(form));
  }

  async function send(body: URLSearchParams | string, headers: Record<string, string> = {}): Promise<Reply> {
    return read(await fetch(`${gateway.url}/oauth/token`, { method: 'POST', body, headers }));
  }

  function chat(token: string, origin?: string): Promise<Reply> {
    const headers: Record<string, string> = origin === undefined ? {} : { origin };
    return post(`${gateway.url}${paths.chat}`, bodies.chat(), { token, headers });
  }

  const sign = (claims: object, by: OidcIssuer = provider): Promise<string> =>
    by.sign({ aud: 'the-app', sub: newSub(), ...claims });

  it('gives a session for an ID token, which works where the policy says', async () => {
    const reply = await exchange(await sign({}));
    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({
      access_token: expect.stringMatching(/^tgs_/) as unknown,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 120,
    });
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.headers.get('access-control-allow-origin')).toBe('*');
    const token = String(reply.json['access_token']);
    expect((await chat(token, app)).status).toBe(200);
    expect(errorOf(await chat(token)).code).toBe('origin_not_allowed');
    expect(errorOf(await chat(token, 'https://evil.example')).code).toBe('origin_not_allowed');
    expect((await chat(token, app)).status).toBe(200);
    expect(errorOf(await chat(token, app)).limit).toMatchObject({ scope: 'session', max: 2 });
  });

  it('makes the user at the first sign-in, known by issuer and subject ever after', async () => {
    const sub = newSub();
    const before = (await usersOf()).length;
    await exchange(await sign({ sub, email: 'ana@example.com', email_verified: true }));
    await exchange(await sign({ sub, email: 'renamed@example.com', email_verified: true }));
    const made = (await usersOf()).slice(before - (await usersOf()).length);
    const mine = (await usersOf()).filter(({ subject }) => subject?.sub === sub);
    expect(made).toHaveLength(1);
    expect(mine).toMatchObject([
      {
        email: 'ana@example.com',
        subject: { issuer: provider.url, sub },
        id: expect.stringMatching(/^oidc-/) as unknown,
      },
    ]);
    expect((await tokensOf(String(mine[0]?.id))).length).toBe(1);
  });

  it('keeps the same subject of two issuers apart, and an unverified address to itself', async () => {
    const sub = newSub();
    await exchange(await sign({ sub, email: 'boss@example.com', email_verified: false }));
    const user = (await usersOf()).find(({ subject }) => subject?.sub === sub);
    expect(user?.email).toBeNull();
    expect((await exchange(await sign({ sub }, partner))).status).toBe(400);
  });

  it('takes a known user by a verified address once, and then by the account only', async () => {
    const email = `carl-${store}@example.com`;
    await gateway.admin('POST', '/admin/teams/acme/users', { id: `carl-${store}`, email });
    const claims = { sub: newSub(), email: email.toUpperCase(), email_verified: true };
    expect((await exchange(await sign({ ...claims, email_verified: false }, partner))).status).toBe(400);
    expect((await exchange(await sign({ ...claims, email_verified: 'true' }, partner))).status).toBe(400);
    const reply = await exchange(await sign(claims, partner));
    expect(reply.status).toBe(200);
    expect((await chat(String(reply.json['access_token']))).status).toBe(200);
    const again = { sub: claims.sub, email: 'other@example.com', email_verified: true };
    expect((await exchange(await sign(again, partner))).status).toBe(200);
    const successor = { ...claims, sub: newSub() };
    const refused = await exchange(await sign(successor, partner));
    expect(refused.json).toMatchObject({ error: 'invalid_request' });
    expect(refused.json['error_description']).toMatch(/another account/);
    const [entryOfCarl] = await gateway.entries('acme');
    expect(entryOfCarl).toMatchObject({ user: `carl-${store}` });
  });

  it('lets in the account that a user has now, not one it had', async () => {
    const path = `/admin/teams/acme/users/dora-${store}`;
    const [first, second] = [newSub(), newSub()];
    const account = (sub: string) => ({ subject: { issuer: partner.url, sub } });
    await gateway.admin('POST', '/admin/teams/acme/users', { id: `dora-${store}`, ...account(first) });
    const session = (await exchange(await sign({ sub: first }, partner))).json['access_token'];
    expect((await chat(String(session))).status).toBe(200);
    await gateway.admin('PATCH', path, account(second));
    expect((await exchange(await sign({ sub: first }, partner))).status).toBe(400);
    expect((await chat(String(session))).status).toBe(401);
    expect((await exchange(await sign({ sub: second }, partner))).status).toBe(200);
  });

  it('exchanges an ID token as often as configured', async () => {
    const text = await sign({});
    const statuses = [];
    for (let n = 0; n < 5; n += 1) statuses.push((await exchange(text)).status);
    expect(statuses).toEqual([200, 200, 200, 400, 400]);
    const reply = await exchange(text);
    expect(reply.json).toMatchObject({ error: 'invalid_request' });
    expect(reply.json['error_description']).toMatch(/the most allowed/);
  });

  it('ends all sessions of someone with their token, who then cannot sign in any more', async () => {
    const sub = newSub();
    const token = String((await exchange(await sign({ sub }))).json['access_token']);
    expect((await chat(token, app)).status).toBe(200);
    const user = (await usersOf()).find(({ subject }) => subject?.sub === sub);
    const [parent] = await tokensOf(String(user?.id));
    await gateway.admin('DELETE', `/admin/teams/acme/tokens/${String(parent?.id)}`);
    expect(errorOf(await chat(token, app)).code).toBe('revoked_token');
    const refused = await exchange(await sign({ sub }));
    expect([refused.status, refused.json['error']]).toEqual([403, 'access_denied']);
  });

  it("brings the token up to the issuer's policy, and keeps what an administrator set", async () => {
    const sub = newSub();
    await exchange(await sign({ sub }));
    const user = (await usersOf()).find(({ subject }) => subject?.sub === sub);
    const [parent] = await tokensOf(String(user?.id));
    const path = `/admin/teams/acme/tokens/${String(parent?.id)}`;
    await gateway.admin('PATCH', path, {
      origins: ['https://elsewhere.example'],
      limits: [{ metric: 'requests', window: 'day', max: 9 }],
    });
    expect((await exchange(await sign({ sub }))).status).toBe(200);
    const { body } = await gateway.admin('GET', path);
    expect(body).toMatchObject({ origins: [app], limits: [{ max: 9 }] });
  });

  it('lets people in under a limit that is smaller than what the issuer gives its sessions', async () => {
    const sub = newSub();
    await exchange(await sign({ sub }));
    const user = (await usersOf()).find(({ subject }) => subject?.sub === sub);
    const limits = [{ metric: 'requests', window: 'hour', max: 1 }];
    await gateway.admin('PATCH', `/admin/teams/acme/users/${String(user?.id)}`, { limits });
    const reply = await exchange(await sign({ sub }));
    expect(reply.status).toBe(200);
    const token = String(reply.json['access_token']);
    expect((await chat(token, app)).status).toBe(200);
    const refused = await chat(token, app);
    expect([refused.status, errorOf(refused).limit]).toEqual([429, undefined]); // another's figures
  });

  it('counts the limits of a person over all sessions, and for each person alone', async () => {
    const sub = newSub();
    const tokens: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      tokens.push(String((await exchange(await sign({ sub }))).json['access_token']));
    }
    const seen = [];
    for (const token of tokens) seen.push((await chat(token, app)).status);
    expect(seen).toEqual([200, 200, 429]);
    const me = await get(`${gateway.url}/v1/me`, { token: tokens[2] ?? '', headers: { origin: app } });
    expect(me.json['limits']).toMatchObject([{ scope: 'session', max: 2, used: 2, remaining: 0 }]);
    const later = await exchange(await sign({ sub, jti: 'later' }));
    const refused = await chat(String(later.json['access_token']), app);
    expect([refused.status, errorOf(refused).limit]).toMatchObject([429, { scope: 'session', max: 2 }]);
    const other = await exchange(await sign({}));
    expect((await chat(String(other.json['access_token']), app)).status).toBe(200);
  });

  it('counts what an entry lets each person use as an end user’s, and suspends one', async () => {
    const sub = newSub();
    const tokens: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      tokens.push(String((await exchange(await sign({ sub }, club))).json['access_token']));
    }
    const [one = '', two = ''] = tokens;
    expect([(await chat(one)).status, (await chat(two)).status]).toEqual([200, 200]);
    const refused = await chat(one);
    expect([refused.status, errorOf(refused).limit]).toMatchObject([429, { scope: 'end_user', max: 2 }]);
    const me = await get(`${gateway.url}/v1/me`, { token: two });
    expect(me.json).toMatchObject({
      session: { end_user: userIdFor(club.url, sub) },
      limits: [{ scope: 'end_user', max: 2, used: 2, remaining: 0 }],
    });
    expect(me.json['session']).not.toHaveProperty('end_user_limits');
    const other = String((await exchange(await sign({}, club))).json['access_token']);
    expect((await chat(other)).status).toBe(200);

    const id = userIdFor(club.url, sub);
    const entries = async (): Promise<boolean> => {
      const { body } = await gateway.admin('GET', `/admin/requests?team=acme&end_user=${id}`);
      return (body['data'] as unknown[]).length === 2;
    };
    await waitFor(entries, { what: 'their entries' });
    await gateway.admin('POST', `/admin/teams/acme/end-users/${id}/suspend`);
    expect(errorOf(await chat(two)).code).toBe('suspended');
    expect((await exchange(await sign({ sub }, club))).json['error']).toBe('access_denied');
    expect((await chat(other)).status).toBe(200);
  });

  it('asks to come back for a key that is not known yet, while the keys are too recent to look again', async () => {
    await exchange(await sign({}));
    const unknown = await provider.sign({ aud: 'the-app' }, { key: await makeKey('RS256') });
    const reply = await exchange(unknown);
    expect([reply.status, reply.json['error']]).toEqual([503, 'temporarily_unavailable']);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(reply.headers.get('retry-after'))).toBeLessThanOrEqual(30);
  });

  it('signs fifty in at once, each of them once', async () => {
    const sub = newSub();
    const texts = await Promise.all(Array.from({ length: 50 }, (_, jti) => sign({ sub, jti: String(jti) })));
    const replies = await Promise.all(texts.map((text) => exchange(text)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    const users = (await usersOf()).filter(({ subject }) => subject?.sub === sub);
    expect(users).toHaveLength(1);
    expect(await tokensOf(String(users[0]?.id))).toHaveLength(1);
  });

  it.each([
    ['another audience', { aud: 'another-app' }],
    ['an expired token', { exp: Math.floor(Date.now() / 1000) - 120 }],
    ['one not valid yet', { nbf: Math.floor(Date.now() / 1000) + 120 }],
    ['another authorized party', { aud: ['the-app', 'b'], azp: 'b' }],
  ])('refuses %s', async (_what, claims) => {
    const reply = await exchange(await sign(claims));
    expect([reply.status, reply.json['error']]).toEqual([400, 'invalid_request']);
    expect(reply.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('refuses what is no form, in the shape of OAuth', async () => {
    const json = await send(JSON.stringify({ grant_type: grantType }), {
      'content-type': 'application/json',
    });
    expect([json.status, json.json['error']]).toEqual([400, 'invalid_request']);
    const other = await send(new URLSearchParams({ grant_type: 'password', username: 'a', password: 'b' }));
    expect([other.status, other.json['error']]).toEqual([400, 'unsupported_grant_type']);
    const large = await send(new URLSearchParams({ subject_token: 'x'.repeat(40_000) }));
    expect([large.status, large.json['error']]).toEqual([400, 'invalid_request']);
  });

  it('does not repeat a token, in answers or in the log', async () => {
    const text = await sign({ aud: 'another-app' });
    const reply = await exchange(text);
    const [, payload = 'none'] = text.split('.');
    expect(reply.text).not.toContain(payload.slice(0, 40));
    expect(gateway.log()).not.toContain(payload.slice(0, 40));
  });

  interface UserResponse {
    id: string;
    email: string | null;
    subject: { issuer: string; sub: string } | null;
  }

  async function usersOf(): Promise<UserResponse[]> {
    return (await gateway.admin('GET', '/admin/teams/acme/users')).body['data'] as UserResponse[];
  }

  async function tokensOf(user: string): Promise<{ id: string; user: string }[]> {
    const { body } = await gateway.admin('GET', '/admin/teams/acme/tokens');
    return (body['data'] as { id: string; user: string }[]).filter((token) => token.user === user);
  }
});

describe('signing in on a dyno', () => {
  it('is slowed down for an address that tries tokens', async () => {
    const provider = await startIssuer();
    const gateway = await startGateway({
      env: { DYNO: 'web.1', REFUSED_CREDENTIALS_PER_MINUTE: '5' },
      issuers: [trustedIssuer({ issuer: provider.url })],
    });
    try {
      const form = { grant_type: grantType, subject_token: 'x.y.z', subject_token_type: idToken };
      const statuses = [];
      for (let n = 0; n < 7; n += 1) {
        const reply = await fetch(`${gateway.url}/oauth/token`, {
          method: 'POST',
          body: new URLSearchParams(form),
          headers: { 'x-forwarded-for': '203.0.113.5' },
        });
        statuses.push(reply.status);
      }
      expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429]);
    } finally {
      await gateway.close();
      await provider.close();
    }
  });
});
