import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { administrationOf, type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { askSession, mintSession } from '../../support/sessions.ts';
import { type SpawnedGateway, spawnGateway } from '../../support/spawn-gateway.ts';

const requestsADay = (max: number) => ({ metric: 'requests', window: 'day', max }) as const;

/** Two processes on one Redis. */
describe('limits of an end user', () => {
  let first: TestGateway;
  let second: SpawnedGateway;

  beforeAll(async () => {
    const redis = await sharedRedis();
    const env = { SESSIONS_PER_MINUTE: '100000', STORE_TIMEOUT_MS: '20000' };
    first = await startGateway({ redis, env });
    second = await spawnGateway({
      env: {
        ...env,
        ADMIN_KEY: first.adminKey,
        REDIS_URL: redis.url,
        INFERENCE_URL: first.upstream.url,
        INFERENCE_KEY: first.upstream.key,
      },
    });
  });

  afterAll(async () => {
    await second.stop('SIGKILL');
    await first.close();
  });

  const atSecond: TestGateway['admin'] = (...asked) =>
    administrationOf(second.url, first.adminKey).admin(...asked);
  const chat = (token: string, on: { url: string } = first): Promise<Reply> =>
    post(`${on.url}${paths.chat}`, bodies.chat(), { token });
  const sessionOf = async (token: IssuedToken, endUser?: string): Promise<string> => {
    const wanted = endUser === undefined ? {} : { end_user: endUser };
    return (await mintSession(first.url, token.text, wanted)).token;
  };
  async function issue(ofEndUsers: object[], ofTeam: object[] = []): Promise<IssuedToken> {
    const token = await first.issue();
    await change(`/admin/teams/${token.team}`, { end_user_limits: ofTeam });
    await change(`/admin/teams/${token.team}/tokens/${token.id}`, { end_user_limits: ofEndUsers });
    return token;
  }
  async function change(path: string, body: object): Promise<void> {
    const { status, body: told } = await first.admin('PATCH', path, body);
    expect([status, told]).toMatchObject([200, body]);
  }

  it('hold over 50 sessions on two processes at once: never one over, and never one less', async () => {
    const max = 77;
    const token = await issue([requestsADay(max)]);
    const sessions = await Promise.all(Array.from({ length: 50 }, () => sessionOf(token, 'ana')));
    const burst = [...sessions, ...sessions].flatMap((session) => [
      chat(session, first),
      chat(session, second),
    ]);
    const statuses = (await Promise.all(burst)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(max);
    expect(statuses.filter((status) => status === 429)).toHaveLength(burst.length - max);
    expect((await chat(await sessionOf(token, 'bo'))).status).toBe(200);
  });

  it('are the visitor’s to see: in headers, in a refusal, in /v1/me, and nothing else is', async () => {
    const token = await issue(
      [{ metric: 'requests', window: 'minute', max: 9 }, requestsADay(2)],
      [requestsADay(3), { metric: 'concurrency', max: 4 }],
    );
    await change(`/admin/teams/${token.team}`, { limits: [requestsADay(1_000)] });
    const [one, other] = [await sessionOf(token, 'ana'), await sessionOf(token, 'ana')];
    const answer = await chat(one);
    expect(answer.headers.get('ratelimit-policy')).toBe(
      '"end_user-requests-day";q=3;w=86400, "end_user-requests-day.2";q=2;w=86400, "end_user-requests-minute";q=9;w=60, "end_user-concurrency";q=4;qu="concurrent-requests"',
    );
    expect(answer.headers.get('ratelimit')).toMatch(/^"end_user-requests-day.2";r=1;t=\d+$/);
    await chat(other, second);
    const refused = errorOf(await chat(one, second));
    expect(refused).toMatchObject({
      code: 'insufficient_quota',
      limit: { scope: 'end_user', metric: 'requests', window: 'day', max: 2 },
    });
    expect(refused.message).toContain("the end user's limit of 2 requests a day: 0 left, 1 needed");
    const me = await get(`${second.url}/v1/me`, { token: other });
    expect(me.json['limits']).toMatchObject([
      { scope: 'end_user', window: 'day', max: 3, used: 2, remaining: 1 },
      { scope: 'end_user', window: 'day', max: 2, used: 2, remaining: 0 },
      { scope: 'end_user', window: 'minute', max: 9, used: 2 },
      { scope: 'end_user', metric: 'concurrency', max: 4, used: 0 },
    ]);
  });

  it('are over all tokens of a team if the team sets them, and of one token if that does', async () => {
    const token = await issue([requestsADay(1)], [requestsADay(2)]);
    const sibling = await first.issue({ team: { id: token.team } });
    expect((await chat(await sessionOf(token, 'ana'))).status).toBe(200);
    expect((await chat(await sessionOf(token, 'ana'))).status).toBe(429);
    expect((await chat(await sessionOf(sibling, 'ana'))).status).toBe(200);
    expect((await chat(await sessionOf(sibling, 'ana'))).status).toBe(429);
  });

  it('of the gateway are of each end user of a team: those of another team are other people', async () => {
    const here = await issue([]);
    const there = await issue([]);
    const limit = { metric: 'images', window: 'day', max: 1 };
    await change('/admin/settings', { end_user_limits: [limit] });
    const draw = async (token: IssuedToken): Promise<number> =>
      (await post(`${first.url}${paths.images}`, bodies.images(), { token: await sessionOf(token, 'ana') }))
        .status;
    expect([await draw(here), await draw(here), await draw(there), await draw(there)]).toEqual([
      200, 429, 200, 429,
    ]);
    expect((await first.admin('PATCH', '/admin/settings', { end_user_limits: null })).status).toBe(200);
    expect(await draw(here)).toBe(200);
  });

  it('do not hold for a token itself, nor for a session that names nobody', async () => {
    const token = await issue([requestsADay(0)], [requestsADay(0)]);
    expect((await chat(token.text)).status).toBe(200);
    expect((await chat(await sessionOf(token))).status).toBe(200);
    expect((await chat(await sessionOf(token, 'ana'))).status).toBe(429);
  });

  it('keep what is used if only max changes, from the next request on', async () => {
    const token = await issue([requestsADay(1)]);
    const session = await sessionOf(token, 'ana');
    expect([(await chat(session)).status, (await chat(session, second)).status]).toEqual([200, 429]);
    await change(`/admin/teams/${token.team}/tokens/${token.id}`, { end_user_limits: [requestsADay(2)] });
    expect([(await chat(session, second)).status, (await chat(session)).status]).toEqual([200, 429]);
  });

  it('tell administrators what an end user has used, of gateway and team', async () => {
    const token = await issue([requestsADay(9)], [requestsADay(5)]);
    await chat(await sessionOf(token, 'Zoë / 7'));
    const path = `/admin/teams/${token.team}/end-users/${encodeURIComponent('Zoë / 7')}`;
    expect((await atSecond('GET', path)).body).toMatchObject({
      end_user: 'Zoë / 7',
      suspended_at: null,
      limits: [{ ...requestsADay(5), used: 1, remaining: 4 }],
    });
    expect((await atSecond('GET', '/admin/teams/nobody/end-users/ana')).status).toBe(404);
    expect((await atSecond('GET', `/admin/teams/${token.team}/end-users/a%09b`)).status).toBe(400);
  });

  describe('suspending one', () => {
    it('suspends nobody else, whatever dots and escapes are in the name', async () => {
      const token = await issue([]);
      const path = `/admin/teams/${token.team}/end-users`;
      const names = ['...', '%2e%2e', 'a/b', '%2F..%2F'];
      for (const name of names) {
        const { body } = await first.admin('POST', `${path}/${encodeURIComponent(name)}/suspend`);
        expect(body['end_user']).toBe(name);
        expect(errorOf(await askSession(first.url, token.text, { end_user: name })).code).toBe('suspended');
      }
      expect((await chat(await sessionOf(token, 'ana'))).status).toBe(200);
    });

    it('refuses their next request on every process, and sessions for them; others go on', async () => {
      const token = await issue([]);
      const [ana, bo] = [await sessionOf(token, 'ana'), await sessionOf(token, 'bo')];
      for (const on of [first, second]) expect((await chat(ana, on)).status).toBe(200);
      const path = `/admin/teams/${token.team}/end-users`;
      const suspended = await first.admin('POST', `${path}/ana/suspend`);
      expect(suspended.body).toMatchObject({ end_user: 'ana', suspended_at: expect.any(String) as unknown });
      for (const on of [second, first]) {
        expect(errorOf(await chat(ana, on)).code).toBe('suspended');
        expect((await chat(bo, on)).status).toBe(200);
      }
      expect(errorOf(await askSession(second.url, token.text, { end_user: 'ana' })).code).toBe('suspended');
      expect((await chat(token.text, second)).status).toBe(200);
      expect((await atSecond('GET', path)).body).toEqual({ data: [suspended.body] });

      expect((await atSecond('POST', `${path}/ana/resume`)).body['suspended_at']).toBeNull();
      expect((await chat(ana, first)).status).toBe(200);
      expect((await first.admin('GET', path)).body).toEqual({ data: [] });
    });

    it('leaves no name in the audit trail, nor in the log', async () => {
      const token = await issue([]);
      for (const act of ['suspend', 'resume']) {
        await first.admin('POST', `/admin/teams/${token.team}/end-users/ana%40example.com/${act}`);
      }
      const { body } = await first.admin('GET', `/admin/audit?team=${token.team}&limit=2`);
      expect(body['data']).toMatchObject([
        { operation: 'team.resume_end_user', after: { suspended_end_users: null } },
        { operation: 'team.suspend_end_user', before: { suspended_end_users: null } },
      ]);
      await first.admin('GET', `/admin/teams/${token.team}/end-users/ana%40example.com/more/of/it`);
      const log = first.log();
      for (const text of [JSON.stringify(body), log]) expect(text).not.toMatch(/ana(?:@|%40)example/);
      for (const end of ['/suspend', '/resume', '']) {
        expect(log).toContain(`"path":"/admin/teams/${token.team}/end-users/:end_user${end}"`);
      }
    });
  });
});
