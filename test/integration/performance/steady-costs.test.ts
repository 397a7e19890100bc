import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { administrationOf } from '../../support/gateway.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { endSessions, mintSession } from '../../support/sessions.ts';
import { type SpawnedGateway, spawnGateway } from '../../support/spawn-gateway.ts';
import { withoutDyno } from '../../support/series.ts';

/*
 * What a request costs, in figures that are the same on every machine: raise a ceiling here only with the change that
 * needs it, and say why (docs/performance.md).
 */

/** One to admit, one to settle; a session takes no more. */
const tripsPerRequest = 2;
/** What a process asks the store for by itself: heartbeats, shared counts. More of it falls into a slow run. */
const mostPerSecond = { trips: 3, commands: 12 };
/**
 * 19, and a bit; of a session it is looked for whether it is there. The counters of an end user are in a hash for each
 * window, which is read, written, and given its expiry; what they used is in a row of its own, read and written.
 */
const mostCommandsPerRequest = { token: 19.5, session: 20.5, visitor: 31.5 };
/** To make a session. */
const tripsPerMinting = 1;
/** 85 kB today, all of Node's own included. */
const mostBytesPerRequest = 92_000;

/** Enough that the hot path is compiled also on a busy machine: before that it allocates some 20 kB more a request. */
const warmUp = 1_200;
const requests = 400;
const mintings = 100;
/** Nothing is collected in a young generation of this size, so what the heap has grown by is what was allocated. */
const noCollection = ['--min-semi-space-size=512', '--max-semi-space-size=512'];

const adminKey = randomBytes(20).toString('hex');

let redis: SharedRedis;
let upstream: StandIn;
let gateway: SpawnedGateway;
let texts: Record<keyof typeof mostCommandsPerRequest, string>;

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn();
  gateway = await spawnGateway({
    nodeArgs: noCollection,
    env: {
      NODE_ENV: 'production',
      ADMIN_KEY: adminKey,
      REDIS_URL: redis.url,
      STORE_TIMEOUT_MS: '10000',
      SESSIONS_PER_MINUTE: '1000000',
      INFERENCE_URL: upstream.url,
      INFERENCE_KEY: upstream.key,
    },
  });
  const token = await administrationOf(gateway.url, adminKey).issue({
    team: {
      limits: [
        { metric: 'tokens', window: 'day', max: 1_000_000_000 },
        { metric: 'requests', window: 'month', max: 1_000_000_000 },
      ],
    },
    limits: [{ metric: 'requests', window: 'minute', max: 1_000_000 }],
    end_user_limits: [
      { metric: 'tokens', window: 'day', max: 1_000_000_000 },
      { metric: 'requests', window: 'minute', max: 1_000_000 },
    ],
  });
  texts = {
    token: token.text,
    session: (await mintSession(gateway.url, token.text)).token,
    visitor: (await mintSession(gateway.url, token.text, { end_user: 'visitor-7' })).token,
  };
  for (const text of [texts.token, texts.session]) await calls(warmUp / 2, text);
}, 180_000);

afterAll(async () => {
  await gateway.stop('SIGKILL');
  await upstream.close();
}, 180_000);

/** So many short calls, one after the other. */
async function calls(count: number, text: string): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const { status } = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: text });
    if (status !== 200) throw new Error(`Answered ${status}.`);
  }
}

/** How often commands of a name, or all there are, have run in the store. */
async function ran(name = /[^:]+/): Promise<number> {
  const told = String(await redis.command('INFO', 'commandstats'));
  const lines = told.matchAll(new RegExp(`^cmdstat_(?:${name.source}):calls=(\\d+)`, 'gm'));
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function heapBytes(): Promise<number> {
  const answer = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${adminKey}` },
  });
  return Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(withoutDyno(await answer.text()))?.[1]);
}

describe.each(['token', 'session'] as const)(
  'a short chat completion under three limits, with a %s',
  (kind) => {
    it('takes two calls of the store, a bounded number of commands there, and a bounded amount of memory here', async () => {
      const text = texts[kind];
      const before = { trips: await ran(/evalsha/), commands: await ran(), heap: await heapBytes() };
      const startedMs = performance.now();
      await calls(requests, text);
      const seconds = (performance.now() - startedMs) / 1_000;
      const after = { trips: await ran(/evalsha/), commands: await ran(), heap: await heapBytes() };

      const each = (figure: keyof typeof before): number => (after[figure] - before[figure]) / requests;
      const byItself = (figure: keyof typeof mostPerSecond): number =>
        (mostPerSecond[figure] * seconds) / requests;
      expect(Math.abs(each('trips') - tripsPerRequest)).toBeLessThan(0.05 + byItself('trips'));
      expect(each('commands')).toBeLessThanOrEqual(mostCommandsPerRequest[kind] + byItself('commands'));
      expect(each('heap')).toBeGreaterThan(0);
      expect(each('heap')).toBeLessThanOrEqual(mostBytesPerRequest);
    }, 180_000);
  },
);

describe("a short chat completion under three limits and two of the session's end user", () => {
  it('takes two calls of the store, and a bounded number of commands there', async () => {
    await calls(1, texts.visitor);
    const before = { trips: await ran(/evalsha/), commands: await ran() };
    const startedMs = performance.now();
    await calls(requests / 2, texts.visitor);
    const seconds = (performance.now() - startedMs) / 1_000;
    const each = async (count: Promise<number>, from: number): Promise<number> =>
      ((await count) - from) / (requests / 2);
    const byItself = (figure: keyof typeof mostPerSecond): number =>
      (mostPerSecond[figure] * seconds) / (requests / 2);
    const trips = await each(ran(/evalsha/), before.trips);
    expect(Math.abs(trips - tripsPerRequest)).toBeLessThan(0.05 + byItself('trips'));
    expect(await each(ran(), before.commands)).toBeLessThanOrEqual(
      mostCommandsPerRequest.visitor + byItself('commands'),
    );
  }, 180_000);
});

describe('making and ending a session', () => {
  it('takes one call of the store each', async () => {
    const made: string[] = [];
    const before = await ran(/evalsha/);
    for (let n = 0; n < mintings; n += 1) made.push((await mintSession(gateway.url, texts.token)).token);
    const between = await ran(/evalsha/);
    expect(Math.abs(between - before - mintings * tripsPerMinting)).toBeLessThan(10);
    // One more to find out whose each is: a session in use is known already.
    for (const text of made) await endSessions(gateway.url, text);
    expect(Math.abs((await ran(/evalsha/)) - between - 2 * mintings)).toBeLessThan(10);
  }, 180_000);
});
