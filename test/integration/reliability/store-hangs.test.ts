import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IssuedToken } from '../../support/gateway.ts';
import { bodies, errorOf, paths, post } from '../../support/gateway-client.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import type { SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';
import { countingLimits, startSite, type Site } from './site.ts';

/* A store that hangs for longer than a dead connection is waited for, with a crowd that tries again and again. */

const callers = 300;
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
}, 60_000);

afterAll(async () => {
  redis.resume();
  await site.close();
  await redis.stop();
}, 60_000);

interface Tried {
  status: number;
  code: string | null;
  tookMs: number;
  endedMs: number;
}

async function attempt(): Promise<Tried> {
  const startedMs = performance.now();
  const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
  const endedMs = performance.now();
  const code = reply.status === 200 ? null : errorOf(reply).code;
  return { status: reply.status, code, tookMs: endedMs - startedMs, endedMs };
}

/** As SDKs do: once more after `Retry-After`, until there is an answer. */
async function untilAnswered(tried: Tried[]): Promise<void> {
  for (;;) {
    const last = await attempt();
    tried.push(last);
    if (last.status === 200) return;
    await sleep(1_000);
  }
}

async function executed(): Promise<number> {
  const told = String(await redis.command('INFO', 'stats'));
  return Number(/total_commands_processed:(\d+)/.exec(told)?.[1]);
}

describe('a store that hangs for long, with a crowd that tries again', () => {
  it('answers each try within 2 s, all of them within 2 s of its return, and charges each answer once', async () => {
    await attempt();
    const before = await executed();
    redis.pause();
    const tried: Tried[] = [];
    const crowd = Array.from({ length: callers }, () => untilAnswered(tried));
    await sleep(hangsMs);
    const refused = [...tried];
    redis.resume();
    const backMs = performance.now();
    await Promise.all(crowd);

    expect(refused.length).toBeGreaterThan(2 * callers);
    expect(new Set(refused.map(({ status, code }) => `${status} ${code}`))).toEqual(
      new Set(['503 store_unavailable']),
    );
    expect(Math.max(...refused.map(({ tookMs }) => tookMs))).toBeLessThan(2_000);
    const answered = tried.filter(({ status }) => status === 200).map(({ endedMs }) => endedMs - backMs);
    expect(answered).toHaveLength(callers);
    expect(Math.max(...answered)).toBeLessThan(2_000);
    // What was sent meanwhile is heard late and turned down: a few commands a try, no herd.
    expect((await executed()) - before).toBeLessThan(10 * tried.length);

    await waitFor(async () => (await site.used(token))['requests'] === callers + 1, {
      what: 'ghosts to be given back',
      timeoutMs: 15_000,
    });
    expect(await site.used(token)).toMatchObject({ concurrency: 0 });
    const entries = await site.witness.settled(token.team, callers + 1, 10_000);
    expect(new Set(entries.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
    expect(entries).toHaveLength(callers + 1);
  }, 60_000);
});
