import { Redis } from 'ioredis';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import type { StoreClient } from '../../../src/store/store.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { turnedScript } from '../../contract/engines.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { openStream } from './site.ts';

/* Requests that are open while a window ends or a limit changes: the whole way, on both stores, with a turned clock. */

/** A second before the end of a minute, an hour, a day, a month and a year; years ahead, since totals expire. */
const lastSecondMs = Date.UTC(2095, 11, 31, 23, 59, 59);
const midnightMs = lastSecondMs + 1_000;
const [oldDay, newDay] = ['2095-12-31', '2096-01-01'];

const ofEverything: Limit[] = [
  { metric: 'requests', window: 'day', max: 100 },
  { metric: 'tokens', window: 'month', max: 100_000 },
  { metric: 'requests', window: 'minute', max: 60 },
  { metric: 'concurrency', max: 10 },
];

/** What holds time for a gateway, and can be turned. */
interface TurnedSite {
  gateway: TestGateway;
  turnTo(nowMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Tells the process of a turned clock at once; else it hears every quarter of a lease. */
async function beat({ url }: TestGateway): Promise<void> {
  expect((await get(`${url}/readyz`)).status).toBe(200);
}

async function onMemory(): Promise<TurnedSite> {
  let nowMs = lastSecondMs;
  const gateway = await startGateway({ clock: { ...systemClock, now: () => nowMs } });
  return {
    gateway,
    turnTo: async (toMs) => {
      nowMs = toMs;
      await beat(gateway);
    },
    close: () => gateway.close(),
  };
}

/** The real scripts on a real server, but for where they look the time up. */
async function onRedis(redis: SharedRedis): Promise<TurnedSite> {
  const client = new Redis(redis.url);
  const setTo = (nowMs: number): Promise<unknown> =>
    client.hset('turned-clock', { s: Math.floor(nowMs / 1_000), us: (nowMs % 1_000) * 1_000 });
  const turned = (of: StoreClient): StoreClient =>
    new Proxy(of, {
      get: (real, name) => {
        if (name === 'time') return () => client.hmget('turned-clock', 's', 'us');
        const found: unknown = Reflect.get(real, name);
        return typeof found === 'function' ? (found.bind(real) as unknown) : found;
      },
    });
  await client.flushall();
  await setTo(lastSecondMs);
  // oxlint-disable-next-line typescript/unbound-method -- called on the store below
  const { run } = RedisStore.prototype;
  vi.spyOn(RedisStore.prototype, 'run').mockImplementation(function turnedRun(
    this: RedisStore,
    script,
    ...rest
  ) {
    return run.call(this, turnedScript(script), ...rest);
  });
  // oxlint-disable-next-line typescript/unbound-method -- called on the store below
  const { attempt } = RedisStore.prototype;
  vi.spyOn(RedisStore.prototype, 'attempt').mockImplementation(function turnedAttempt<T>(
    this: RedisStore,
    command: (of: StoreClient) => Promise<T>,
  ) {
    return attempt.call(this, (of: StoreClient) => command(turned(of)));
  });
  const gateway = await startGateway({ redis });
  return {
    gateway,
    turnTo: async (nowMs) => {
      await setTo(nowMs);
      await beat(gateway);
    },
    close: async () => {
      await gateway.close();
      client.disconnect();
    },
  };
}

let redis: SharedRedis;
let site: TurnedSite;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterEach(async () => {
  await site.close();
  vi.restoreAllMocks();
});

describe.each([
  ['memory', onMemory],
  ['Redis', () => onRedis(redis)],
] as const)('on %s', (_, start) => {
  let finish: () => void;

  beforeEach(async () => {
    site = await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    finish = resolve;
    site.gateway.upstream.script(async (_request, response, body) => {
      const { stream, n } = body as { stream?: boolean; n?: number };
      if (n === 2) {
        await promise;
        response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' }).end('{}');
        return true;
      }
      if (!stream) return false;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(messageFrame({ choices: [{ delta: { content: 'first' } }] }));
      await promise;
      response.end(
        messageFrame({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 5 } }) + doneFrame,
      );
      return true;
    });
  });

  const call = (token: IssuedToken, more: object = {}): Promise<Reply> =>
    post(`${site.gateway.url}${paths.chat}`, bodies.chat(more), { token: token.text });

  /** What is used of each of a token's limits. */
  async function used(token: IssuedToken): Promise<Record<string, number>> {
    const { json } = await get(`${site.gateway.url}/v1/me`, { token: token.text });
    const limits = json['limits'] as { metric: string; window: string | null; used: number }[];
    return Object.fromEntries(limits.map(({ metric, window, used: sum }) => [window ?? metric, sum]));
  }

  async function requestsOn(day: string, { team }: IssuedToken): Promise<number> {
    const { body } = await site.gateway.admin('GET', `/admin/usage?team=${team}&from=${day}&to=${day}`);
    return (body['data'] as { requests: number }[])[0]?.requests ?? -1;
  }

  async function changeLimits({ team }: IssuedToken, limits: Limit[]): Promise<void> {
    const { status } = await site.gateway.admin('PATCH', `/admin/teams/${team}`, { limits });
    expect(status).toBe(200);
  }

  it('a 429 of a day says to the second when the day is over', async () => {
    const token = await site.gateway.issue({
      team: { limits: [{ metric: 'requests', window: 'day', max: 1 }] },
    });
    await site.turnTo(midnightMs + 3_600_000);
    expect((await call(token)).status).toBe(200);
    const refused = await call(token);
    expect(errorOf(refused)).toMatchObject({
      code: 'insufficient_quota',
      limit: { resets_at: '2096-01-02T00:00:00.000Z' },
    });
    expect(refused.headers.get('retry-after')).toBe('82800');
    expect(refused.headers.get('x-ratelimit-reset-requests')).toBe('23h0m0s');
  });

  describe('a stream that is open at the end of a day, a month and a year', () => {
    it('is charged to the windows and the day it was reserved in, and leaves the new ones alone', async () => {
      const token = await site.gateway.issue({ team: { limits: ofEverything } });
      const stream = await openStream(site.gateway, token);
      expect(await used(token)).toMatchObject({ day: 1, minute: 1, concurrency: 1 });
      expect((await used(token))['month']).toBeGreaterThan(50);

      await site.turnTo(midnightMs);
      // A minute slides: all of the one before counts still.
      expect(await used(token)).toEqual({ day: 0, month: 0, minute: 1, concurrency: 1 });
      expect((await call(token)).status).toBe(200);
      finish();
      expect(await stream.rest()).toBe('clean');
      const entries = await site.gateway.settled(token.team, 2);
      expect(entries.map(({ time }) => time.slice(0, 10)).sort()).toEqual([oldDay, newDay]);
      const ofNewYear = entries.find(({ time }) => time.startsWith(newDay));
      const tokens = (ofNewYear?.input_tokens ?? 0) + (ofNewYear?.output_tokens ?? 0);
      expect(await used(token)).toEqual({ day: 1, month: tokens, minute: 2, concurrency: 0 });
      expect([await requestsOn(oldDay, token), await requestsOn(newDay, token)]).toEqual([1, 1]);
    });

    it('corrects what it reserved where nothing has been counted since', async () => {
      const token = await site.gateway.issue({ team: { limits: ofEverything } });
      const stream = await openStream(site.gateway, token);
      await site.turnTo(midnightMs);
      finish();
      await stream.rest();
      await site.gateway.settled(token.team, 1);
      expect(await used(token)).toEqual({ day: 0, month: 0, minute: 1, concurrency: 0 });
      await site.turnTo(lastSecondMs);
      expect(await used(token)).toEqual({ day: 1, month: 12, minute: 1, concurrency: 0 });
    });

    it('is given back there where the upstream refuses it after midnight', async () => {
      const token = await site.gateway.issue({ team: { limits: ofEverything } });
      const refused = call(token, { n: 2 });
      await waitFor(async () => (await used(token))['day'] === 1, { what: 'the reservation' });
      await site.turnTo(midnightMs + 1);
      expect((await call(token)).status).toBe(200);
      finish();
      expect((await refused).status).toBe(429);
      await site.gateway.settled(token.team, 2);
      expect(await used(token)).toMatchObject({ day: 1, minute: 1, concurrency: 0 });
    });
  });

  it('a full day is full to its last moment and empty at midnight, and says so', async () => {
    const token = await site.gateway.issue({
      team: { limits: [{ metric: 'requests', window: 'day', max: 1 }] },
    });
    expect((await call(token)).status).toBe(200);
    await site.turnTo(midnightMs - 1);
    const refused = await call(token);
    expect(errorOf(refused)).toMatchObject({
      code: 'insufficient_quota',
      limit: { resets_at: '2096-01-01T00:00:00.000Z' },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    await site.turnTo(midnightMs);
    expect((await call(token)).status).toBe(200);
  });

  it('a sliding window lets in what its Retry-After promised, and not before', async () => {
    const token = await site.gateway.issue({
      team: { limits: [{ metric: 'requests', window: 'minute', max: 4 }] },
    });
    for (let n = 0; n < 4; n += 1) expect((await call(token)).status).toBe(200);
    await site.turnTo(midnightMs + 20_000);
    const refused = await call(token);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('39');
    await site.turnTo(midnightMs + 58_999);
    expect((await call(token)).status).toBe(429);
    await site.turnTo(midnightMs + 59_000);
    for (let n = 0; n < 4; n += 1) expect((await call(token)).status).toBe(200);
    expect((await call(token)).status).toBe(429);
  });

  it.each([
    { max: 1, apartMs: 61_000, calls: 5 },
    { max: 3, apartMs: 20_500, calls: 15 },
  ])('$max a minute serves $calls calls, one each $apartMs ms', async ({ max, apartMs, calls }) => {
    const limits: Limit[] = [{ metric: 'requests', window: 'minute', max }];
    const token = await site.gateway.issue({ team: { limits } });
    for (let n = 0; n < calls; n += 1) {
      await site.turnTo(lastSecondMs + n * apartMs);
      expect((await call(token)).status, `call ${n}`).toBe(200);
      if (n >= max - 1)
        expect(Number((await call(token)).headers.get('retry-after'))).toBeLessThanOrEqual(60);
    }
  });

  describe('while a stream is open', () => {
    const day: Limit = { metric: 'requests', window: 'day', max: 10 };
    const atOnce: Limit = { metric: 'concurrency', max: 1 };

    it('a limit that is put on counts from then on, and never falls below nothing', async () => {
      const token = await site.gateway.issue();
      const stream = await openStream(site.gateway, token);
      await changeLimits(token, [day, atOnce]);
      expect(await used(token)).toEqual({ day: 0, concurrency: 0 });
      finish();
      await stream.rest();
      await site.gateway.settled(token.team, 1);
      expect(await used(token)).toEqual({ day: 0, concurrency: 0 });
      expect((await call(token)).status).toBe(200);
      await site.gateway.settled(token.team, 2);
      expect(await used(token)).toEqual({ day: 1, concurrency: 0 });
    });

    it('a limit that is taken off is not missed, and put back it counts anew', async () => {
      const token = await site.gateway.issue({ team: { limits: [day, atOnce] } });
      const stream = await openStream(site.gateway, token);
      expect((await call(token)).status).toBe(429);
      await changeLimits(token, []);
      expect((await call(token)).status).toBe(200);
      await changeLimits(token, [day, atOnce]);
      expect(await used(token)).toEqual({ day: 0, concurrency: 0 });
      finish();
      expect(await stream.rest()).toBe('clean');
      await site.gateway.settled(token.team, 2);
      expect(await used(token)).toEqual({ day: 0, concurrency: 0 });
    });

    it('a limit that is lowered below what is used refuses the next, and raised lets it in', async () => {
      const token = await site.gateway.issue({ team: { limits: [day, { metric: 'concurrency', max: 2 }] } });
      const stream = await openStream(site.gateway, token);
      await changeLimits(token, [day, atOnce]);
      expect((await call(token)).status).toBe(429);
      await changeLimits(token, [day, { metric: 'concurrency', max: 2 }]);
      expect((await call(token)).status).toBe(200);
      await changeLimits(token, [{ ...day, max: 1 }, atOnce]);
      expect(await used(token)).toEqual({ day: 2, concurrency: 1 });
      finish();
      await stream.rest();
      await site.gateway.settled(token.team, 2);
      expect(await used(token)).toEqual({ day: 2, concurrency: 0 });
    });
  });

  it('a clock that is set back or forward stops nobody for long', async () => {
    const token = await site.gateway.issue({ team: { limits: ofEverything } });
    expect((await call(token)).status).toBe(200);
    for (const stepMs of [-5_000, 60_000, -3_600_000, 86_400_000]) {
      await site.turnTo(lastSecondMs + stepMs);
      expect((await call(token)).status).toBe(200);
    }
    await site.gateway.settled(token.team, 5);
    expect(await used(token)).toMatchObject({ concurrency: 0 });
  });
});
