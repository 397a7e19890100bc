import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodies, errorOf, get, paths, post } from '../../support/gateway-client.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { mintSession } from '../../support/sessions.ts';

const origin = 'https://app.example.com';

let redis: SharedRedis;
let gateway: TestGateway;
let token: IssuedToken;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis, env: { ALLOWED_ORIGINS: origin } });
  token = await gateway.issue();
  const other = await gateway.issue({ team: { id: token.team } });
  for (const text of [token.text, token.text, other.text])
    await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: text });
  await post(`${gateway.url}${paths.embeddings}`, bodies.embeddings(), { token: token.text });
  await gateway.settled(token.team, 4);
});
afterAll(async () => {
  await gateway.close();
});

const ask = (query = '', headers: Record<string, string> = {}, as = token.text): ReturnType<typeof get> =>
  get(`${gateway.url}/v1/me/usage${query}`, { token: as, headers });

describe('GET /v1/me/usage', () => {
  it('tells what this token was used for, and of no other, as an administrator sees it', async () => {
    const { body } = await gateway.admin('GET', `/admin/usage?team=${token.team}&token=${token.id}`);
    const own = await ask();
    expect(own.status).toBe(200);
    expect(own.json).toEqual(body);
    expect(own.json).toMatchObject({ data: [{ requests: 3 }] });
    expect(own.headers.get('cache-control')).toBe('no-store');
  });

  it('tells it by day, model and endpoint, in a range of days', async () => {
    const query = '?group_by=endpoint,model,day';
    const { body } = await gateway.admin('GET', `/admin/usage${query}&team=${token.team}&token=${token.id}`);
    const own = await ask(query);
    expect(own.json).toEqual(body);
    expect(own.json['data']).toHaveLength(2);
    expect((await ask('?from=2026-01-01&to=2026-01-31')).json).toMatchObject({ data: [{ requests: 0 }] });
  });

  it('is neither counted nor in the ledger', async () => {
    await ask();
    expect(await gateway.entries(token.team)).toHaveLength(4);
  });

  it.each([
    ['?group_by=user', ['group_by']],
    ['?team=other', ['team']],
    ['?token=tok_1', ['token']],
    ['?from=2026-02-02&to=2026-02-01', ['from']],
    ['?from=a&from=b', ['from']],
    ['?format=csv', ['format']],
  ])('400 for %s', async (query, [param]) => {
    const reply = await ask(query);
    expect(reply.status).toBe(400);
    expect(errorOf(reply)).toMatchObject({ code: 'invalid_request', param });
  });

  it('is not for sessions, nor for nobody, nor by another method', async () => {
    const session = (await mintSession(gateway.url, token.text)).token;
    const refused = await ask('', {}, session);
    expect(refused.status).toBe(403);
    expect(errorOf(refused).code).toBe('role_not_allowed');
    expect((await get(`${gateway.url}/v1/me/usage`)).status).toBe(401);
    const posted = await post(`${gateway.url}/v1/me/usage`, {}, { token: token.text });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('names the exact origin, and refuses others', async () => {
    const own = await ask('', { origin });
    expect(own.headers.get('access-control-allow-origin')).toBe(origin);
    const elsewhere = await ask('', { origin: 'https://elsewhere.example' });
    expect(elsewhere.status).toBe(403);
    const preflight = await fetch(`${gateway.url}/v1/me/usage`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'GET' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });

  it('reads for one token one at a time, and turns down those that would wait too long', async () => {
    const replies = await Promise.all(
      Array.from({ length: 40 }, () => ask('?from=2025-12-01&to=2026-11-01')),
    );
    const statuses = new Set(replies.map(({ status }) => status));
    expect(statuses).toContain(200);
    for (const reply of replies.filter(({ status }) => status !== 200)) {
      expect(errorOf(reply).code).toBe('rate_limit_exceeded');
      expect(reply.headers.get('retry-after')).toBe('1');
    }
    expect((await ask()).status).toBe(200);
  });
});
