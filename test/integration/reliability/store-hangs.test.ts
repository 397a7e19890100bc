import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../../src/config/environment.ts';
import { type IssuedToken, startGateway } from '../../support/gateway.ts';
import { bodies, errorOf, paths, post } from '../../support/gateway-client.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import type { SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor, within } from '../../support/wait-for.ts';
import { countingLimits, startSite, type Site } from './site.ts';

/* A store that hangs for longer than a dead connection is waited for, with a crowd that tries again and again. */

const callers = 100;
const hangsMs = 8_000;

let redis: RedisServer;
let site: Site;
let gateway: SpawnedGateway;
let token: IssuedToken;

beforeAll(async () => {
  redis = await startRedis();
  site = await startSite({ redis, leaseMs: 2_000 });
  gateway = await site.spawn();
  token = await site.witness.issue({ team: { limits: countingLimits } });
});

afterAll(async () => {
  redis.resume();
  await site.close();
  await redis.stop();
});

/** What came of one try: `200`, or the status and code of an error. */
async function attempt(): Promise<string> {
  const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
  return reply.status === 200 ? '200' : `${reply.status} ${errorOf(reply).code}`;
}

/** As SDKs do: once more after `Retry-After`, until there is an answer. */
async function untilAnswered(tried: string[]): Promise<void> {
  for (;;) {
    const outcome = await attempt();
    tried.push(outcome);
    if (outcome === '200') return;
    await sleep(1_000);
  }
}

async function executed(): Promise<number> {
  const told = String(await redis.command('INFO', 'stats'));
  return Number(/total_commands_processed:(\d+)/.exec(told)?.[1]);
}

describe('a store that hangs for long, with a crowd that tries again', () => {
  it('refuses each try while it hangs, answers every caller once it is back, and charges each answer once', async () => {
    await attempt();
    const leaked = await site.witness.issue();
    const before = await executed();
    redis.pause();
    const triedBy = Array.from({ length: callers }, (): string[] => []);
    const crowd = Promise.all(triedBy.map(untilAnswered));
    await sleep(hangsMs);
    await waitFor(() => triedBy.every(({ length }) => length > 2), {
      what: 'each caller to be refused three times',
      timeoutMs: 60_000,
    });
    const report = { token: leaked.text };
    expect((await post(`${gateway.url}/leaks`, report)).status).toBe(503);
    const refused = triedBy.map(({ length }) => length);
    redis.resume();
    await within(crowd, 60_000, 'each caller to be answered');
    // Nothing of it was done; sent again, it is.
    expect(
      (await site.witness.admin('GET', `/admin/teams/${leaked.team}/tokens/${leaked.id}`)).body,
    ).toMatchObject({ revoked_at: null });
    expect((await post(`${gateway.url}/leaks`, report)).json).toMatchObject([{ label: 'true_positive' }]);
    expect(
      (await post(`${site.witness.url}${paths.chat}`, bodies.chat(), { token: leaked.text })).status,
    ).toBe(401);

    for (const [n, tried] of triedBy.entries()) {
      expect(new Set(tried.slice(0, refused[n]))).toEqual(new Set(['503 store_unavailable']));
      expect(tried.at(-1)).toBe('200');
    }
    // What was sent meanwhile is heard late and turned down: a few commands a try, no herd.
    expect((await executed()) - before).toBeLessThan(10 * triedBy.flat().length);

    await waitFor(async () => (await site.used(token))['requests'] === callers + 1, {
      what: 'ghosts to be given back',
      timeoutMs: 30_000,
    });
    expect(await site.used(token)).toMatchObject({ concurrency: 0 });
    const entries = await site.witness.settled(token.team, callers + 1, 30_000);
    expect(new Set(entries.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
    expect(entries).toHaveLength(callers + 1);
  }, 240_000);
});

describe('a store that hangs', () => {
  it('is waited for a second if nothing else is said', async () => {
    const read = readSettings({ INFERENCE_URL: 'https://a.example', INFERENCE_KEY: 'inf-1' });
    if (!read.ok) throw new Error(read.problems.join('\n'));
    const env = {
      REDIS_PREFIX: site.prefix,
      LEASE_MS: '30000', // its heartbeat stays fresh meanwhile
      STORE_TIMEOUT_MS: String(read.settings.storeTimeoutMs),
    };
    const unhurried = await startGateway({ redis, upstream: site.upstream, env });
    const its = await site.witness.issue({ team: { limits: countingLimits } });
    const call = () => post(`${unhurried.url}${paths.chat}`, bodies.chat(), { token: its.text });
    expect((await call()).status).toBe(200);
    redis.pause();
    const askedMs = performance.now();
    expect(errorOf(await call()).code).toBe('store_unavailable');
    const waitedMs = performance.now() - askedMs;
    redis.resume();
    expect(waitedMs).toBeGreaterThan(900);
    expect(waitedMs).toBeLessThan(10_000);
    await unhurried.close();
  });
});
