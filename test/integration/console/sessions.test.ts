import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSecret } from '../../../src/console/cookie.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, post } from '../../support/gateway-client.ts';
import { consoleSession, cookieIn, ownHeaders, sessionWith, signIn } from '../../support/console-session.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { patient, TurnedClock } from '../../support/turned-clock.ts';

let gateway: TestGateway;
const clock = new TurnedClock();

beforeAll(async () => {
  gateway = await startGateway({ clock, env: patient });
});
afterAll(() => gateway.close());

async function administrator(body: object): Promise<{ id: string; token: string }> {
  const made = await gateway.admin('POST', '/admin/admins', body);
  return { id: String(made.body['id']), token: String(made.body['token']) };
}

function errorCode(body: Record<string, unknown>): unknown {
  return (body['error'] as { code?: unknown } | undefined)?.code;
}

describe('signing in to the console', () => {
  it('takes ADMIN_KEY, and says who that is', async () => {
    const response = await signIn(gateway.url, { credential: gateway.adminKey });
    expect(response.status).toBe(200);
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(
      /^__Host-tollgate=[A-Za-z0-9_-]{43}; Max-Age=28800; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    expect(await response.text()).not.toContain(gateway.adminKey);
    const { ask } = sessionWith(gateway.url, cookieIn(response));
    expect((await ask('GET', '/session')).body).toMatchObject({ session: { kind: 'root', role: 'root' } });
    expect((await ask('GET', '/admin/teams')).status).toBe(200);
  });

  it("takes an administrator's token, whose role holds", async () => {
    await gateway.admin('POST', '/admin/teams', { id: 'role-a' });
    await gateway.admin('POST', '/admin/teams', { id: 'role-b' });
    const { id, token } = await administrator({ role: 'team-admin', teams: ['role-a'], name: 'Ada' });
    const { ask } = await consoleSession(gateway.url, token);
    expect((await ask('GET', '/session')).body).toMatchObject({
      session: { kind: 'administrator', id, name: 'Ada', role: 'team-admin', teams: ['role-a'] },
    });
    expect((await ask('GET', '/admin/teams/role-a')).status).toBe(200);
    expect((await ask('GET', '/admin/teams/role-b')).status).toBe(403);
    expect((await ask('POST', '/admin/teams', { id: 'role-c' })).status).toBe(403);
    expect((await ask('POST', '/admin/teams/role-a/users', { id: 'bo' })).status).toBe(201);
    const audit = await gateway.admin('GET', `/admin/audit?team=role-a&actor=${id}`);
    expect(audit.body['data']).toMatchObject([{ operation: 'user.create', actor: id }]);
  });

  it("takes a user's token, which sees itself only", async () => {
    const { text, id, team } = await gateway.issue();
    const { ask } = await consoleSession(gateway.url, text);
    expect((await ask('GET', '/v1/me')).body).toMatchObject({ token: { id }, team: { id: team } });
    expect((await ask('GET', '/v1/me/usage')).status).toBe(200);
    expect((await ask('GET', '/v1/models')).status).toBe(200);
    for (const path of ['/admin/teams', '/admin/overview', `/admin/teams/${team}`]) {
      const { status, body } = await ask('GET', path);
      expect([status, errorCode(body)], path).toEqual([403, 'role_not_allowed']);
    }
    const root = await consoleSession(gateway.url, gateway.adminKey);
    expect((await root.ask('GET', '/v1/me')).status).toBe(403);
  });

  it('takes neither a wrong credential nor the token of a session', async () => {
    const { text } = await gateway.issue();
    const minted = await post(`${gateway.url}/v1/sessions`, {}, { token: text });
    for (const [credential, code] of [
      ['wrong', 'invalid_token'],
      [String(minted.json['token']), 'role_not_allowed'],
      [`${text.slice(0, -1)}${text.endsWith('a') ? 'b' : 'a'}`, 'invalid_token'],
    ] as const) {
      const response = await signIn(gateway.url, { credential });
      expect(errorCode((await response.json()) as Record<string, unknown>), credential.slice(0, 4)).toBe(
        code,
      );
      expect(cookieIn(response)).toBe('');
    }
    expect((await signIn(gateway.url, { credential: '' })).status).toBe(400);
  });

  it('takes the link that ADMIN_KEY makes, once', async () => {
    const made = await gateway.admin('POST', '/admin/console-links');
    expect(made.status).toBe(201);
    const code = String(made.body['url']).replace(`${gateway.url}/console#link=`, '');
    const response = await signIn(gateway.url, { code });
    const { ask } = sessionWith(gateway.url, cookieIn(response));
    expect((await ask('GET', '/session')).body).toMatchObject({ session: { kind: 'root' } });
    expect((await signIn(gateway.url, { code })).status).toBe(401);
    const { token } = await administrator({ role: 'admin' });
    const refused = await fetch(`${gateway.url}/admin/console-links`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(refused.status).toBe(403);
  });

  it('lets no session make a link: it would outlive its sign-out', async () => {
    const { ask } = await consoleSession(gateway.url, gateway.adminKey);
    expect((await ask('POST', '/admin/console-links')).status).toBe(404);
  });
});

describe('a link to the console', () => {
  it('signs in as the holder of the key that made it, and ends with that key; wrong codes are counted', async () => {
    const redis = await sharedRedis();
    const [old, adminKey] = [newSecret().text, newSecret().text];
    const overlap = { ADMIN_KEY_PREVIOUS: old, REFUSED_CREDENTIALS_PER_MINUTE: '5' };
    const before = await startGateway({ redis, adminKey, env: overlap });
    const after = await startGateway({ redis, adminKey });
    try {
      const make = async (key: string): Promise<string> => {
        const headers = { authorization: `Bearer ${key}` };
        const made = await fetch(`${before.url}/admin/console-links`, { method: 'POST', headers });
        const { url } = (await made.json()) as { url: string };
        return url.replace(/^.*#link=/, '');
      };
      const [ofOld, ofNew, unused] = await Promise.all([make(old), make(adminKey), make(old)]);
      const open = async (code: string): Promise<string> => cookieIn(await signIn(before.url, { code }));
      const cookies = [await open(ofOld), await open(ofNew)];
      const statuses = ({ url }: TestGateway) =>
        Promise.all(
          cookies.map(async (cookie) => (await sessionWith(url, cookie).ask('GET', '/admin/teams')).status),
        );
      expect(await statuses(before)).toEqual([200, 200]);
      expect(await statuses(after)).toEqual([401, 200]);
      expect((await signIn(after.url, { code: unused })).status).toBe(401);
      const guesses = Array.from({ length: 7 }, (_, index) => `${index}`.repeat(40));
      const answers = await Promise.all(guesses.map((code) => signIn(before.url, { code })));
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(2);
    } finally {
      await Promise.all([before.close(), after.close()]);
    }
  });
});

describe('a session of the console', () => {
  it('ends when it is signed out of; its cookie works no more', async () => {
    const { ask, cookie } = await consoleSession(gateway.url, gateway.adminKey);
    const response = await fetch(`${gateway.url}/console/api/session`, {
      method: 'DELETE',
      headers: { ...ownHeaders, cookie },
    });
    expect(response.headers.getSetCookie()[0]).toContain('Max-Age=0');
    const { status, body } = await ask('GET', '/admin/teams');
    expect([status, errorCode(body)]).toEqual([401, 'expired_token']);
    expect((await ask('GET', '/session')).body).toEqual({ session: null });
  });

  it('ends when its administrator is revoked', async () => {
    const { id, token } = await administrator({ role: 'auditor' });
    const { ask } = await consoleSession(gateway.url, token);
    expect((await ask('GET', '/admin/teams')).status).toBe(200);
    await gateway.admin('DELETE', `/admin/admins/${id}`);
    expect((await ask('GET', '/admin/teams')).status).toBe(401);
  });

  it('ends when its token is revoked, or is changed to do less or more', async () => {
    const revoked = await gateway.issue();
    const changed = await gateway.issue();
    const renamed = await gateway.issue();
    const sessions = await Promise.all(
      [revoked, changed, renamed].map(({ text }) => consoleSession(gateway.url, text)),
    );
    const path = ({ team, id }: { team: string; id: string }): string => `/admin/teams/${team}/tokens/${id}`;
    await gateway.admin('DELETE', path(revoked));
    await gateway.admin('PATCH', path(changed), { models: ['claude-4-5-haiku'] });
    await gateway.admin('PATCH', path(renamed), { name: 'another name' });
    const answers = await Promise.all(sessions.map(({ ask }) => ask('GET', '/v1/me')));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 200]);
    expect((await sessions[1]?.ask('GET', '/session'))?.body).toEqual({ session: null });
  });

  it('says why it ended to each request that was on its way, and stays ended if what changed is changed back', async () => {
    const { team, id, text } = await gateway.issue();
    const { ask } = await consoleSession(gateway.url, text);
    const path = `/admin/teams/${team}/tokens/${id}`;
    await gateway.admin('PATCH', path, { models: ['claude-4-5-haiku'] });
    const told = await Promise.all(Array.from({ length: 4 }, () => ask('GET', '/v1/me')));
    told.push(await ask('GET', '/v1/me'));
    for (const { status, body } of told) expect([status, errorCode(body)]).toEqual([401, 'revoked_token']);
    await gateway.admin('PATCH', path, { models: null });
    const { status, body } = await ask('GET', '/v1/me');
    expect([status, errorCode(body)]).toEqual([401, 'expired_token']);
  });

  it('ends when it was idle for an hour', async () => {
    const { ask } = await consoleSession(gateway.url, gateway.adminKey);
    clock.aheadMs += 3_590_000;
    expect((await ask('GET', '/session')).body).toMatchObject({ session: { kind: 'root' } });
    clock.aheadMs += 3_610_000;
    expect((await ask('GET', '/session')).body).toEqual({ session: null });
  });

  it('is listed with the others of its holder, who can end each, and nobody else can', async () => {
    const { token } = await administrator({ role: 'admin' });
    const first = await consoleSession(gateway.url, token);
    const second = await consoleSession(gateway.url, token);
    const other = await consoleSession(gateway.url, gateway.adminKey);
    const listed = (await first.ask('GET', '/sessions')).body['data'] as { id: string; is_this: boolean }[];
    expect(new Set(listed.map(({ is_this: isThis }) => isThis))).toEqual(new Set([false, true]));
    const foreign = listed.find(({ is_this: isThis }) => !isThis)?.id ?? '';
    expect((await other.ask('DELETE', `/sessions/${foreign}`)).status).toBe(404);
    expect((await second.ask('GET', '/admin/teams')).status).toBe(200);
    expect((await first.ask('DELETE', `/sessions/${foreign}`)).status).toBe(204);
    expect((await second.ask('GET', '/admin/teams')).status).toBe(401);
  });

  it('is new at each sign-in, and the one before ends: nobody can plant one', async () => {
    const { cookie, ask } = await consoleSession(gateway.url, gateway.adminKey);
    const { text } = await gateway.issue();
    const response = await signIn(gateway.url, { credential: text }, { cookie });
    expect(cookieIn(response)).not.toBe(cookie);
    expect((await ask('GET', '/session')).body).toEqual({ session: null });
    const planted = `__Host-tollgate=${'A'.repeat(43)}`;
    expect(cookieIn(await signIn(gateway.url, { credential: text }, { cookie: planted }))).not.toBe(planted);
    expect((await sessionWith(gateway.url, planted).ask('GET', '/v1/me')).status).toBe(401);
  });
});

describe('what a cookie does not do', () => {
  it('carries no authority to /admin or /v1', async () => {
    const { text } = await gateway.issue();
    for (const [credential, path] of [
      [gateway.adminKey, '/admin/teams'],
      [gateway.adminKey, '/metrics'],
      [text, '/v1/me'],
    ] as const) {
      const { cookie } = await consoleSession(gateway.url, credential);
      const answer = await fetch(gateway.url + path, { headers: { ...ownHeaders, cookie } });
      expect(answer.status, path).toBe(401);
    }
  });

  it('changes nothing for a request from another site, or a sibling host, on any route of the console', async () => {
    const { cookie } = await consoleSession(gateway.url, gateway.adminKey);
    const tried = gateway.routes.filter(
      ({ method, path }) =>
        path.startsWith('/console/api/') && !path.includes('*') && !/^(?:GET|HEAD|ALL|OPTIONS)$/.test(method),
    );
    expect(tried.length).toBeGreaterThan(15);
    for (const { method, path } of tried) {
      const url = gateway.url + path.replaceAll(/:(\w+)(\{[^}]*\})?/g, 'x');
      for (const site of ['cross-site', 'same-site', 'none']) {
        const headers = { ...ownHeaders, 'sec-fetch-site': site, cookie };
        const answer = await fetch(url, { method, headers, body: '{}' });
        const { error } = (await answer.json()) as { error: { code: string } };
        expect([answer.status, error.code], `${method} ${path} ${site}`).toEqual([403, 'origin_not_allowed']);
      }
    }
    const withoutHeader = { 'sec-fetch-site': 'same-origin', cookie };
    const answer = await fetch(`${gateway.url}/console/api/session`, {
      method: 'DELETE',
      headers: withoutHeader,
    });
    expect(answer.status).toBe(403);
  });

  it('needs a credential on each route of the admin API behind it', async () => {
    const admin = gateway.routes.filter(
      ({ method, path }) => method === 'GET' && path.startsWith('/console/api/admin/'),
    );
    expect(admin.length).toBeGreaterThan(10);
    for (const { path } of admin) {
      const url = gateway.url + path.replaceAll(/:(\w+)(\{[^}]*\})?/g, 'x').replace('*', 'x');
      expect((await fetch(url, { headers: ownHeaders })).status, path).toBe(401);
    }
  });
});

describe("the gateway's own pages", () => {
  it('may use a token that has other origins; a page elsewhere may not, whatever it says of itself', async () => {
    const { text } = await gateway.issue({ origins: ['https://app.example.com'] });
    const send = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${text}`, ...headers },
        body: JSON.stringify(bodies.chat()),
      });
    const own = await send({ origin: gateway.url, 'sec-fetch-site': 'same-origin' });
    expect(own.status).toBe(200);
    await own.body?.cancel();
    const foreign = await send({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' });
    expect(foreign.status).toBe(403);
    expect((await send({ origin: gateway.url })).status).toBe(403);
  });

  it('may not use a token that no page may use', async () => {
    const limited = [
      await gateway.issue({ origins: [] }),
      await gateway.issue({ team: { origins: [] } }),
      await gateway.issue({ origins: ['none'] }),
    ];
    const headers = { origin: gateway.url, 'sec-fetch-site': 'same-origin' };
    const statuses = limited.map(async ({ text }) => {
      const answer = await fetch(`${gateway.url}/v1/me`, {
        headers: { ...headers, authorization: `Bearer ${text}` },
      });
      return answer.status;
    });
    expect(await Promise.all(statuses)).toEqual([403, 403, 200]);
  });

  it('list the requests of the token that is signed in, with those of its sessions', async () => {
    const { text, team, id } = await gateway.issue();
    const { ask } = await consoleSession(gateway.url, text);
    const { token } = (await ask('POST', '/v1/sessions', { expires_in: 60 })).body;
    await post(`${gateway.url}/v1/chat/completions`, bodies.chat(), { token: String(token) });
    const other = await gateway.issue({ team: { id: team } });
    await post(`${gateway.url}/v1/chat/completions`, bodies.chat(), { token: other.text });
    await gateway.settled(team, 2);
    const { body } = await ask('GET', '/v1/me/requests?limit=10');
    expect(body['data']).toMatchObject([{ team, token_id: id }]);
    const asSession = await fetch(`${gateway.url}/v1/me/requests`, {
      headers: { authorization: `Bearer ${String(token)}` },
    });
    expect(asSession.status).toBe(403);
  });
});
