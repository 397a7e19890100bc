import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintToken } from '../../../src/identity/records/token-text.ts';
import type { AuditEntry } from '../../../src/audit/audit.ts';
import { consoleSession } from '../../support/console-session.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { rotateToken } from '../../support/rotation.ts';
import { mintSession } from '../../support/sessions.ts';
import { makePageKey } from '../../support/page-key.ts';

const url = 'https://ana:pw@github.com/ana/site/blob/1a2b/.env?raw=1#L3';
const keptUrl = 'https://github.com/ana/site/blob/1a2b/.env';

function report(gateway: TestGateway, body: object | string): Promise<Reply> {
  return post(`${gateway.url}/leaks`, body);
}

async function labels(gateway: TestGateway, ...texts: string[]): Promise<string[]> {
  const reply = await report(
    gateway,
    texts.map((token) => ({ token, type: 'tollgate_token', url, source: 'content' })),
  );
  expect(reply.status).toBe(200);
  const verdicts = reply.json as unknown as { token_hash: string; token_type: string; label: string }[];
  expect(verdicts.map(({ token_hash: of }) => of)).toEqual(texts.map((text) => hash('sha256', text)));
  return verdicts.map(({ label }) => label);
}

/** What becomes of a call of a model, which is remembered by the gateway that takes it. */
async function called(gateway: TestGateway, token: string): Promise<string> {
  const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token });
  return reply.status === 200 ? '200' : `${reply.status} ${errorOf(reply).code}`;
}

async function trailOf(gateway: TestGateway, filter: string): Promise<AuditEntry[]> {
  const { body } = await gateway.admin('GET', `/admin/audit?${filter}`);
  return body['data'] as AuditEntry[];
}

function pathOf({ team, id }: IssuedToken): string {
  return `/admin/teams/${team}/tokens/${id}`;
}

describe.each(['memory', 'redis'] as const)('POST /leaks, store: %s', (store) => {
  let here: TestGateway;
  /** Another process on the same store, if there may be one. */
  let elsewhere: TestGateway;

  beforeAll(async () => {
    const redis = store === 'redis' ? { redis: await sharedRedis() } : {};
    here = await startGateway(redis);
    elsewhere = store === 'redis' ? await startGateway({ ...redis, upstream: here.upstream }) : here;
  });

  afterAll(async () => {
    if (elsewhere !== here) await elsewhere.close();
    await here.close();
  });

  it('revokes a token everywhere, with its sessions and its console, and says why', async () => {
    const token = await elsewhere.issue();
    const { token: session } = await mintSession(here.url, token.text);
    const browser = await consoleSession(here.url, token.text);
    expect([await called(here, token.text), await called(here, session)]).toEqual(['200', '200']);
    expect((await browser.ask('GET', '/v1/me')).status).toBe(200);

    expect(await labels(elsewhere, token.text)).toEqual(['true_positive']);
    expect([await called(here, token.text), await called(here, session)]).toEqual([
      '401 revoked_token',
      '401 revoked_token',
    ]);
    expect((await browser.ask('GET', '/v1/me')).status).toBe(401);
    const me = await get(`${here.url}/v1/me`, { token: token.text });
    expect(errorOf(me).message).toMatch(/^This token was revoked at .*, since it was reported as leaked\./);
    const { body } = await here.admin('GET', pathOf(token));
    expect(body).toMatchObject({ revoked_at: expect.any(String) as string, revoked_because: 'leaked' });

    // Found again, or sent again.
    expect(await labels(here, token.text, token.text)).toEqual(['true_positive', 'true_positive']);
    expect((await here.admin('GET', pathOf(token))).body).toEqual(body);
    const entries = await trailOf(here, `team=${token.team}&operation=token.revoke`);
    expect(entries).toMatchObject([
      {
        actor: 'leak-report',
        reported_url: keptUrl,
        id: token.id,
        before: { revoked_at: null },
        after: { revoked_because: 'leaked' },
      },
    ]);
  });

  it("ends an administrator's token, and a session alone", async () => {
    const token = await here.issue();
    const { token: session, id } = await mintSession(here.url, token.text);
    const { body: admin } = await here.admin('POST', '/admin/admins', { role: 'admin' });
    const text = String(admin['token']);
    await called(here, session);
    expect((await get(`${here.url}/admin/teams`, { token: text })).status).toBe(200);

    expect(await labels(elsewhere, text, session)).toEqual(['true_positive', 'true_positive']);
    expect((await get(`${here.url}/admin/teams`, { token: text })).status).toBe(401);
    expect(await called(here, session)).toBe('401 invalid_token');
    expect(await called(here, token.text)).toBe('200');
    expect(await trailOf(here, 'operation=administrator.delete')).toMatchObject([
      { actor: 'leak-report', reported_url: keptUrl, id: admin['id'] },
    ]);
    expect(await trailOf(here, `team=${token.team}&operation=session.end`)).toMatchObject([
      {
        actor: 'leak-report',
        kind: 'session',
        id,
        before: { token: token.id, user: token.user },
        after: null,
      },
    ]);
    expect((await here.admin('GET', '/admin/audit/verify')).body).toMatchObject({ intact: true });
  });

  it('ends a secret that was rotated and still works, but not the one after it', async () => {
    const old = await here.issue();
    const { token: session } = await mintSession(here.url, old.text);
    const next = await rotateToken(here, old, 3_600);
    expect(await called(here, old.text)).toBe('200');
    expect(await labels(elsewhere, old.text)).toEqual(['true_positive']);
    expect([await called(here, old.text), await called(here, session)]).toEqual([
      '401 expired_token',
      '401 invalid_token',
    ]);

    const { token: later } = await mintSession(here.url, next.text);
    expect(await labels(elsewhere, old.text)).toEqual(['true_positive']);
    expect([await called(here, next.text), await called(here, later)]).toEqual(['200', '200']);
    expect(await labels(elsewhere, next.text)).toEqual(['true_positive']);
    expect(await called(here, next.text)).toBe('401 revoked_token');
  });

  it('leaves a session that is bound to a key to its holder', async () => {
    const token = await here.issue();
    const { jkt } = await makePageKey();
    const { token: bound } = await mintSession(here.url, token.text, { cnf: { jkt } });
    expect(await labels(here, bound)).toEqual(['true_positive']);
    expect(await trailOf(here, `team=${token.team}&actor=leak-report`)).toEqual([]);
  });

  it('answers alike for what is unknown, mistyped, or not to be ended here', async () => {
    const { text } = mintToken('user');
    const mistyped = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;
    const { body } = await here.admin('GET', '/admin/settings');
    const strangers = [text, mintToken('admin').text, mistyped, here.adminKey, here.upstream.key, '', 'tgk_'];
    expect(new Set(await labels(here, ...strangers))).toEqual(new Set(['false_positive']));
    expect((await here.admin('GET', '/admin/settings')).body).toEqual(body);
    for (const gateway of [here, elsewhere]) {
      for (const stranger of strangers.slice(0, 3)) expect(gateway.log()).not.toContain(stranger);
      expect(gateway.log()).not.toContain('site/blob');
    }
  });

  it('is closed to pages of other sites, and to large bodies', async () => {
    const preflight = await fetch(`${here.url}/leaks`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([405, null]);
    const reply = await post(`${here.url}/leaks`, [], { headers: { origin: 'https://evil.example' } });
    expect([reply.status, reply.headers.get('access-control-allow-origin'), reply.text]).toEqual([
      200,
      null,
      '[]',
    ]);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    const large = await report(here, { token: 'x'.repeat(262_144) });
    expect([large.status, errorOf(large).code]).toEqual([413, 'body_too_large']);
  });

  it('is in an export: a token stays revoked in the store that takes it', async () => {
    const token = await here.issue();
    await labels(here, token.text);
    const { body: document } = await here.admin('GET', `/admin/export?team=${token.team}`);
    const restored = await startGateway({ upstream: here.upstream });
    expect((await restored.admin('POST', '/admin/import', document)).status).toBe(200);
    const me = await get(`${restored.url}/v1/me`, { token: token.text });
    expect(errorOf(me)).toMatchObject({
      code: 'revoked_token',
      message: expect.stringContaining('leaked') as string,
    });
    await restored.close();
  });
});

describe('a flood of reports', () => {
  let gateway: TestGateway;
  let aheadMs = 0;
  const clock = { now: () => Date.now() + aheadMs, monotonic: () => performance.now() + aheadMs };

  beforeAll(async () => {
    gateway = await startGateway({ env: { REFUSED_CREDENTIALS_PER_MINUTE: '5' }, clock });
  });
  afterAll(() => gateway.close());

  it('is refused by address, yet revokes what is real in it; false finds of a scanner are no guesses', async () => {
    const token = await gateway.issue();
    const mistyped = Array.from({ length: 100 }, (_, n) => `tgk_example${n}`);
    expect(new Set(await labels(gateway, ...mistyped))).toEqual(new Set(['false_positive']));

    const guesses = Array.from({ length: 6 }, () => mintToken('user').text);
    const finds = [...guesses, token.text].map((text) => ({ token: text }));
    const reply = await report(gateway, finds);
    expect([reply.status, errorOf(reply).code]).toEqual([429, 'rate_limit_exceeded']);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await called(gateway, token.text)).not.toBe('200');
    // The same share as everywhere.
    expect((await get(`${gateway.url}/v1/me`, { token: mintToken('user').text })).status).toBe(429);
    expect((await report(gateway, { token: 'wrong' })).status).toBe(429);

    aheadMs += 60_000;
    expect(await labels(gateway, token.text)).toEqual(['true_positive']);
  });
});
