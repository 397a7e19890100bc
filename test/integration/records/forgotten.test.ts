import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodies, errorOf, paths, post } from '../../support/gateway-client.ts';
import { untilDrained } from '../../support/drained.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { type SharedRedis, sharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

let redis: SharedRedis;
let gateway: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis, env: { DATABASE_URL: await sharedPostgres() } });
}, 120_000);

afterAll(() => gateway.close());

async function call(text: string): Promise<string | null> {
  const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: text });
  return reply.status === 200 ? 'ok' : errorOf(reply).code;
}

describe('a store that is emptied', () => {
  it('is restored: tokens work, revoked ones do not, a used-up month stays used up', async () => {
    const live = await gateway.issue({ team: { limits: [{ metric: 'requests', window: 'month', max: 3 }] } });
    const revoked = await gateway.issue({ team: { id: live.team } });
    await gateway.admin('DELETE', `/admin/teams/${live.team}/tokens/${revoked.id}`);
    expect([await call(live.text), await call(live.text)]).toEqual(['ok', 'ok']);
    await gateway.settled(live.team, 2);
    await untilDrained(redis);
    await redis.flush();
    await waitFor(async () => (await call(live.text)) === 'ok', { what: 'the token to work' });
    expect(await call(live.text)).toBe('insufficient_quota');
    expect(await call(revoked.text)).toBe('revoked_token');
  });
});
