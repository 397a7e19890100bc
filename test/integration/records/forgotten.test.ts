import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { bodies, errorOf, paths, post } from '../../support/gateway-client.ts';
import { untilDrained } from '../../support/drained.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { mintSession } from '../../support/sessions.ts';
import { waitFor } from '../../support/wait-for.ts';

const ends: (() => Promise<void>)[] = [];

beforeAll(sharedPostgres, 120_000);
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function gatewayOn(options: Parameters<typeof startGateway>[0]): Promise<TestGateway> {
  const gateway = await startGateway(options);
  ends.push(() => gateway.close());
  return gateway;
}

async function call(gateway: TestGateway, text: string): Promise<string | null> {
  const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: text });
  return reply.status === 200 ? 'ok' : errorOf(reply).code;
}

describe('what a store had', () => {
  const limits: Limit[] = [{ metric: 'requests', window: 'month', max: 3 }];

  it('is back after it was emptied: tokens work, revoked ones do not, a used-up month stays used up', async () => {
    const redis = await sharedRedis();
    const gateway = await gatewayOn({ redis, env: { DATABASE_URL: await sharedPostgres() } });
    const live = await gateway.issue({ team: { limits } });
    const revoked = await gateway.issue({ team: { id: live.team } });
    await gateway.admin('DELETE', `/admin/teams/${live.team}/tokens/${revoked.id}`);
    const leaked = await gateway.issue({ team: { id: live.team } });
    const { token: session } = await mintSession(gateway.url, live.text);
    expect((await post(`${gateway.url}/leaks`, [{ token: leaked.text }, { token: session }])).status).toBe(
      200,
    );
    expect([await call(gateway, live.text), await call(gateway, live.text)]).toEqual(['ok', 'ok']);
    await gateway.settled(live.team, 2);
    await untilDrained(redis);
    await redis.flush();
    await waitFor(async () => (await call(gateway, live.text)) === 'ok', { what: 'the token to work' });
    expect(await call(gateway, live.text)).toBe('insufficient_quota');
    expect(await call(gateway, revoked.text)).toBe('revoked_token');
    const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: leaked.text });
    expect(errorOf(reply)).toMatchObject({
      code: 'revoked_token',
      message: expect.stringContaining('leaked') as string,
    });
    expect(await call(gateway, session)).toBe('invalid_token');
  });

  it('is restored once by gateways that start at once', async () => {
    const [redis, env] = [await sharedRedis(), { DATABASE_URL: await sharedPostgres() }];
    const first = await startGateway({ redis, env });
    const live = await first.issue({ team: { limits } });
    expect(await call(first, live.text)).toBe('ok');
    await first.close();
    await redis.flush();
    const gateways = await Promise.all([1, 2, 3].map(() => gatewayOn({ redis, env })));
    expect(await Promise.all(gateways.map((gateway) => call(gateway, live.text)))).toEqual(
      expect.arrayContaining(['ok', 'ok', 'insufficient_quota']),
    );
    const logs = gateways.map((gateway) => gateway.log());
    expect(logs.filter((log) => log.includes('the store is restored'))).toHaveLength(1);
  });

  it('in the memory of a gateway is back when that starts again', async () => {
    const env = { DATABASE_URL: await sharedPostgres() };
    const first = await startGateway({ env });
    const live = await first.issue({ team: { limits } });
    const revoked = await first.issue({ team: { id: live.team } });
    await first.admin('DELETE', `/admin/teams/${live.team}/tokens/${revoked.id}`);
    expect([await call(first, live.text), await call(first, live.text)]).toEqual(['ok', 'ok']);
    await first.close();

    const second = await gatewayOn({ env, adminKey: first.adminKey });
    expect(await call(second, live.text)).toBe('ok');
    expect(await call(second, live.text)).toBe('insufficient_quota');
    expect(await call(second, revoked.text)).toBe('revoked_token');
    expect(await second.usage(live.team)).toMatchObject({ requests: 3 });
    await second.admin('DELETE', `/admin/teams/${live.team}/tokens/${live.id}`);
    expect(await call(second, live.text)).toBe('revoked_token');
  });
});
