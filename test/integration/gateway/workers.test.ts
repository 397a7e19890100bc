import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hang } from '../../support/upstream-scripts.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { administrationOf, type Administration } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { spawnGateway, type SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

/* WEB_CONCURRENCY=2: two workers behind one port, on one Redis. */

const adminKey = 'admin-key-of-the-workers-test-0123456789';
let redis: SharedRedis;
let upstream: StandIn;
let gateway: SpawnedGateway;
let administration: Administration;

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn();
  gateway = await spawnGateway({
    env: {
      NODE_ENV: 'production',
      WEB_CONCURRENCY: '2',
      ADMIN_KEY: adminKey,
      REDIS_URL: redis.url,
      INFERENCE_URL: upstream.url,
      INFERENCE_KEY: upstream.key,
      LEASE_MS: '500',
      SHUTDOWN_GRACE_MS: '500',
    },
  });
  await waitFor(() => listening().length === 2, { what: 'both workers to listen', timeoutMs: 60_000 });
  administration = administrationOf(gateway.url, adminKey);
});
afterEach(() => upstream.script(null));
afterAll(async () => {
  await gateway.stop('SIGKILL');
  await upstream.close();
});

/** Process ids of workers that listen or did, oldest first. */
function listening(): number[] {
  return gateway
    .stdout()
    .split('\n')
    .filter((line) => line.includes('"msg":"listening"'))
    .map((line) => (JSON.parse(line) as { pid: number }).pid);
}

/** A connection of its own each, so that both workers get some. */
const chat = (token: string): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat(), { token, headers: { connection: 'close' } });

async function sumOf(series: string): Promise<number> {
  const { text, status } = await get(`${gateway.url}/metrics`, {
    token: adminKey,
    headers: { connection: 'close' },
  });
  expect(status).toBe(200);
  const values = text.split('\n').filter((line) => line.startsWith(series) && !line.startsWith('#'));
  return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('two workers', () => {
  it('hold a limit exactly, and tell one sum of what both did', async () => {
    const token = await administration.issue({
      team: { limits: [{ metric: 'requests', window: 'day', max: 50 }] },
    });
    const series = `tollgate_requests_total{endpoint="${paths.chat}",status="200"`;
    const before = await sumOf(series);
    const replies = await Promise.all(Array.from({ length: 200 }, () => chat(token.text)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(50);
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(150);
    expect(refused.every((reply) => errorOf(reply).code === 'insufficient_quota')).toBe(true);
    expect(upstream.requests).toHaveLength(50);
    expect(await administration.settled(token.team, 50)).toHaveLength(50);

    const workers = new Set(
      gateway
        .stdout()
        .split('\n')
        .filter((line) => line.includes(`"path":"${paths.chat}"`))
        .map((line) => (JSON.parse(line) as { pid: number }).pid),
    );
    expect(workers.size).toBe(2);
    // Whichever worker is asked.
    for (let scrape = 0; scrape < 4; scrape += 1) expect((await sumOf(series)) - before).toBe(50);
    expect(await sumOf('tollgate_refusals_total{code="insufficient_quota"')).toBe(150);
  });

  it('a token revoked by one is refused by the other', async () => {
    const token = await administration.issue();
    for (let call = 0; call < 6; call += 1) expect((await chat(token.text)).status).toBe(200);
    await administration.admin('DELETE', `/admin/teams/${token.team}/tokens/${token.id}`);
    for (let call = 0; call < 6; call += 1) expect((await chat(token.text)).status).toBe(401);
  });

  it('one that is killed is replaced, and what it had open is closed as lost', async () => {
    const token = await administration.issue({ limits: [{ metric: 'concurrency', max: 6 }] });
    upstream.script(hang());
    const before = upstream.requests.length;
    const { aborted } = upstream;
    const cut = Array.from({ length: 6 }, () =>
      chat(token.text).then(
        () => false,
        () => true,
      ),
    );
    await upstream.waitFor(({ requests }) => requests.length - before === 6);
    const [first = 0] = listening();
    const counted = await sumOf('tollgate_requests_total');
    process.kill(first, 'SIGKILL');
    await waitFor(() => listening().length === 3, { what: 'a third worker', timeoutMs: 10_000 });
    expect(await sumOf('tollgate_requests_total')).toBeGreaterThanOrEqual(counted);
    expect(gateway.stdout()).toContain('"msg":"worker died"');

    await upstream.waitFor((standIn) => standIn.aborted > aborted);
    const lost = upstream.aborted - aborted;
    expect(lost).toBeLessThan(6);
    const entries = await administration.settled(token.team, lost, 30_000);
    const input = Math.ceil(JSON.stringify(bodies.chat()).length / 4);
    for (const entry of entries) {
      expect(entry).toMatchObject({
        outcome: 'lost',
        usage: 'estimated',
        input_tokens: input,
        output_tokens: 50,
      });
    }
    expect(entries).toHaveLength(lost);
    expect(await administration.usage(token.team)).toMatchObject({ requests: lost, lost });
    upstream.script(null);
    // Its places are free, and both workers answer.
    for (let call = 0; call < 6; call += 1) expect((await chat(token.text)).status).toBe(200);

    expect(await gateway.stop('SIGTERM', 30_000)).toEqual({ code: 0, signal: null });
    expect((await Promise.all(cut)).filter(Boolean)).toHaveLength(lost);
  });
});
