import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { bodies, get, paths, post } from '../../support/gateway-client.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { mintSession } from '../../support/sessions.ts';
import { spawnGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

let redis: RedisServer;
let upstream: StandIn;
const gateways: Partial<Record<'redis' | 'memory', TestGateway>> = {};

beforeAll(async () => {
  redis = await startRedis();
  upstream = await startStandIn();
  gateways.redis = await startGateway({ redis, upstream });
  gateways.memory = await startGateway({ upstream });
});
afterAll(async () => {
  for (const gateway of Object.values(gateways)) await gateway.close();
  await upstream.close();
  await redis.stop();
});

interface Row {
  team: string | null;
  user: string | null;
  token: string | null;
  endpoint: string;
  code: string;
  refused: number;
}

async function refusals(gateway: TestGateway, query = ''): Promise<Row[]> {
  const groups = 'group_by=team,user,token,endpoint,code';
  const { status, body } = await gateway.admin('GET', `/admin/refusals?${groups}${query}`);
  expect(status).toBe(200);
  return body['data'] as Row[];
}

const total = (rows: readonly Row[]): number => rows.reduce((sum, { refused }) => sum + refused, 0);

describe('requests that an observe-only limit has no room for', () => {
  it('are answered, and counted apart: in metrics, and in the report if it is asked for them', async () => {
    const { redis: gateway } = gateways;
    if (!gateway) throw new Error('There is none.');
    const observed = { metric: 'requests', window: 'day', max: 1, enforce: false } as const;
    const token = await gateway.issue({ limits: [observed] });
    const ask = { team: token.team, group_by: 'team,limit' };
    const report = async (more: object): Promise<unknown> => {
      const query = new URLSearchParams({ ...ask, ...more });
      return (await gateway.admin('GET', `/admin/refusals?${query.toString()}`)).body['data'];
    };
    for (let n = 0; n < 3; n += 1) {
      const answer = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('ratelimit-policy')).toBe(
        '"token-requests-day";q=1;w=86400;tollgate-enforce=?0',
      );
      expect(answer.headers.get('ratelimit')).toBeNull();
    }
    const limit = 'token requests/day';
    await waitFor(
      async () => {
        const rows = (await report({ code: 'would_refuse' })) as { refused: number }[];
        return rows[0]?.refused === 2 && rows;
      },
      { what: 'the counts' },
    );
    expect(await report({ code: 'would_refuse' })).toMatchObject([{ team: token.team, limit, refused: 2 }]);
    expect(await report({})).toEqual([]);
    const me = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(me.json['limits']).toMatchObject([{ max: 1, used: 3, remaining: 0, enforce: false }]);
    const metrics = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
    expect(metrics.text).toMatch(
      new RegExp(
        `limit_would_refuse_total\\{team="${token.team}",scope="token",limit="requests/day"[^}]*\\} 2`,
      ),
    );
  });
});

describe.each(['redis', 'memory'] as const)('refused requests, with the %s store', (kind) => {
  it('are counted by who was refused where and why, within about a second', async () => {
    const gateway = gateways[kind];
    if (!gateway) throw new Error('There is none.');
    const before = await refusals(gateway);
    const token = await gateway.issue({
      models: ['claude-3-5-haiku'],
      endpoints: [paths.chat],
      limits: [{ metric: 'requests', window: 'day', max: 1 }],
    });
    const { text, team, user, id } = token;
    const session = (await mintSession(gateway.url, text)).token;
    const chat = (more: object, as = text): ReturnType<typeof post> =>
      post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token: as });

    expect((await chat({})).status).toBe(200);
    expect((await chat({})).status).toBe(429);
    expect((await chat({}, session)).status).toBe(429);
    expect((await chat({ model: '=evil-model' })).status).toBe(400);
    expect((await chat({ model: 'evil-model' })).status).toBe(403);
    expect((await chat({ model: 'evil-model' })).status).toBe(403);
    expect((await post(`${gateway.url}${paths.images}`, bodies.images(), { token: text })).status).toBe(403);
    expect((await chat({}, 'tgk_wrong')).status).toBe(401);
    expect((await get(`${gateway.url}/v1/evil-path`, { token: text })).status).toBe(404);
    expect((await get(`${gateway.url}/admin/evil-path`, { token: text })).status).toBe(403);
    expect((await get(`${gateway.url}/v1/me`, { token: text })).status).toBe(200);

    const rows = await waitFor(
      async () => {
        const now = await refusals(gateway);
        return total(now) - total(before) >= 9 && now;
      },
      { what: 'the counts' },
    );
    const own = rows.filter((row) => row.team === team);
    expect(own).toMatchObject([
      { team, user, token: id, endpoint: paths.chat, code: 'insufficient_quota', refused: 2 },
      { team, user, token: id, endpoint: paths.chat, code: 'invalid_body', refused: 1 },
      { team, user, token: id, endpoint: paths.chat, code: 'model_not_allowed', refused: 2 },
      { team, user, token: id, endpoint: paths.images, code: 'endpoint_not_allowed', refused: 1 },
    ]);
    const nobodys = rows.filter((row) => row.team === null);
    expect(nobodys).toContainEqual(
      expect.objectContaining({ user: null, token: null, endpoint: paths.chat, code: 'invalid_token' }),
    );
    expect(nobodys.map(({ endpoint, code }) => `${endpoint} ${code}`)).toEqual(
      expect.arrayContaining(['/admin role_not_allowed', 'other not_found']),
    );
    expect(JSON.stringify(rows)).not.toContain('evil');
    expect(await refusals(gateway, `&team=${team}&code=model_not_allowed`)).toHaveLength(1);
    // Refused is not admitted: the ledger has the one that was.
    expect(await gateway.entries(team)).toHaveLength(1);
  });
});

describe('a process that ends', () => {
  it('loses no count at a SIGTERM', async () => {
    const { redis: witness } = gateways;
    if (!witness) throw new Error('There is none.');
    const gateway = await spawnGateway({
      env: {
        NODE_ENV: 'production',
        ADMIN_KEY: witness.adminKey,
        REDIS_URL: redis.url,
        INFERENCE_URL: upstream.url,
        INFERENCE_KEY: upstream.key,
      },
    });
    const token = await witness.issue({ endpoints: [] });
    const call = (): ReturnType<typeof post> =>
      post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
    for (const reply of await Promise.all(Array.from({ length: 40 }, call))) expect(reply.status).toBe(403);
    expect((await gateway.stop()).code).toBe(0);
    expect(total(await refusals(witness, `&team=${token.team}`))).toBe(40);
  });

  it('hands over what it counted while the store was away, once it is back', async () => {
    const { redis: witness } = gateways;
    if (!witness) throw new Error('There is none.');
    // It waits a second for a store that is away.
    const gateway = await startGateway({ redis, upstream, env: { STORE_TIMEOUT_MS: '1000' } });
    onTestFinished(() => gateway.close());
    const before = (await refusals(witness)).filter(({ code }) => code === 'store_unavailable');
    const token = await witness.issue();
    redis.pause();
    const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
    expect(reply.status).toBe(503);
    redis.resume();
    await waitFor(
      async () => {
        const now = (await refusals(witness)).filter(({ code }) => code === 'store_unavailable');
        return total(now) === total(before) + 1;
      },
      { what: 'the count', timeoutMs: 15_000 },
    );
  });
});

describe('a thousand refusals', () => {
  it('take the store no trip each', async () => {
    const { redis: gateway } = gateways;
    if (!gateway) throw new Error('There is none.');
    const scripts = async (): Promise<number> => {
      const stats = String(await redis.command('INFO', 'commandstats'));
      return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
    };
    const before = await scripts();
    const mistyped = `tgk_${'x'.repeat(40)}`;
    const startedMs = performance.now();
    for (let n = 0; n < 1_000; n += 1)
      expect((await get(`${gateway.url}/v1/models`, { token: mistyped })).status).toBe(401);
    const seconds = (performance.now() - startedMs) / 1_000;
    // A batch a second, and heartbeats.
    expect((await scripts()) - before).toBeLessThan(10 + 4 * seconds);
  });
});
