import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { respond } from '../../support/upstream-scripts.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

/* A key that everybody shares, and its upstream's limits. */

const json = { 'content-type': 'application/json' };

let upstream: StandIn;
let gateway: TestGateway;
let token: IssuedToken;

beforeAll(async () => {
  upstream = await startStandIn();
});
afterEach(async () => {
  upstream.script(null);
  await gateway.close();
});
afterAll(() => upstream.close());

async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await startGateway({ upstream, env });
  token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 100_000 }] });
  upstream.requests.length = 0;
}

const call = (its = token, from = gateway): Promise<Reply> =>
  post(`${from.url}${paths.chat}`, bodies.chat(), { token: its.text, timeoutMs: 20_000 });

/** What the upstream says of its key's requests; of tokens it says nothing. */
function says(res: ServerResponse, remaining: number, reset: string, limit = 100): void {
  for (const name of res.getHeaderNames()) if (name.startsWith('x-ratelimit')) res.removeHeader(name);
  res.setHeader('x-ratelimit-limit-requests', String(limit));
  res.setHeader('x-ratelimit-remaining-requests', String(remaining));
  res.setHeader('x-ratelimit-reset-requests', reset);
}

/** Answers the first one with a reading, and the others as usual. */
function first(remaining: number, reset: string): Script {
  let asked = 0;
  return (_req, res) => {
    asked += 1;
    if (asked === 1) says(res, remaining, reset);
    return false;
  };
}

const waiting = async (from = gateway): Promise<number> => {
  const { text } = await get(`${from.url}/metrics`, { token: from.adminKey });
  return Number(/^tollgate_waiting_requests\{.*\} (\d+)/m.exec(text)?.[1]);
};
const untilWaiting = (count: number): Promise<unknown> =>
  waitFor(async () => (await waiting()) === count, { what: `${count} waiting requests` });

async function requestsUsed(its = token): Promise<unknown> {
  const { json: me } = await get(`${gateway.url}/v1/me`, { token: its.text });
  return (me['limits'] as { used: number }[])[0]?.used;
}

describe('a key that has no room', () => {
  it('has it again after a while, which a request waits for', async () => {
    await start();
    upstream.script(first(0, '1200ms'));
    await call();
    const startedAt = performance.now();
    expect((await call()).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(400);
    const [, entry] = await gateway.settled(token.team, 2);
    expect(entry).toMatchObject({ outcome: 'ok' });
    expect(entry?.duration_ms).toBeGreaterThan(400);
    expect(await requestsUsed()).toBe(2);
  });

  it('and says so in a 429 with a short wait: the request waits, is sent again and charged once', async () => {
    await start();
    let asked = 0;
    upstream.script((req, res, body) => {
      asked += 1;
      return asked === 1 ? respond(429, { ...json, 'retry-after': '1' }, '{}')(req, res, body) : false;
    });
    const startedAt = performance.now();
    expect((await call()).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    await gateway.settled(token.team, 1);
    expect(await requestsUsed()).toBe(1);
    expect(upstream.requests).toHaveLength(2);
  });

  it('for longer than anybody waits: one request finds out, the others are told when, and pay nothing', async () => {
    await start();
    upstream.script((_req, res) => {
      says(res, 0, '90s');
      return false;
    });
    await call();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    upstream.script(async (_req, res) => {
      await held;
      says(res, 50, '90s');
      return false;
    });
    const findsOut = call();
    await upstream.waitFor(({ requests }) => requests.length === 2);
    const refused = await call();
    expect(refused.status).toBe(429);
    expect(errorOf(refused).code).toBe('upstream_rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(80);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(90);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    release();
    expect((await findsOut).status).toBe(200);
    expect((await call()).status).toBe(200);
    await gateway.settled(token.team, 4);
    expect(await requestsUsed()).toBe(3);
    expect(upstream.requests).toHaveLength(3);
  });

  it('by a wrong figure of days is open to all again once a request has been answered', async () => {
    await start();
    const refusesOnce = respond(429, { ...json, 'retry-after': '8640000' }, '{}');
    let asked = 0;
    upstream.script((req, res, body) => {
      for (const name of res.getHeaderNames()) if (name.startsWith('x-ratelimit')) res.removeHeader(name);
      asked += 1;
      return asked === 1 ? refusesOnce(req, res, body) : false;
    });
    expect((await call()).status).toBe(429);
    expect((await call()).status).toBe(200);
    const replies = await Promise.all(Array.from({ length: 8 }, () => call()));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  });

  it('counts each part of a request that goes as several, and hears what the last was told', async () => {
    await start();
    const texts = Array.from({ length: 9 * 96 }, (_, n) => `text ${n}`);
    const askedAt: number[] = [];
    // Nothing is told of the parts until the last.
    upstream.script((_req, res) => {
      const asked = askedAt.push(performance.now());
      says(res, 10, '800ms', 100);
      if (asked === 1) return false;
      for (const name of res.getHeaderNames()) if (name.startsWith('x-ratelimit')) res.removeHeader(name);
      if (asked === 10) says(res, 0, '900ms', 100);
      return false;
    });
    await call();
    const reply = await post(`${gateway.url}${paths.embeddings}`, bodies.embeddings({ input: texts }), {
      token: token.text,
    });
    expect(reply.status).toBe(200);
    expect((await call()).status).toBe(200);
    expect(askedAt).toHaveLength(11);
    // The tenth was told to wait 900 ms; timers may be a little early.
    expect((askedAt[10] ?? 0) - (askedAt[9] ?? 0)).toBeGreaterThan(890);
  });

  it('after some parts of a request: the others wait, rather than have those paid for again', async () => {
    await start();
    let asked = 0;
    const refuses = respond(429, { ...json, 'retry-after': '2.5' }, '{}');
    upstream.script((req, res, body) => {
      asked += 1;
      return asked === 3 ? refuses(req, res, body) : false;
    });
    const input = Array.from({ length: 4 * 96 }, (_, n) => `text ${n}`);
    const url = `${gateway.url}${paths.embeddings}`;
    expect((await post(url, bodies.embeddings({ input }), { token: token.text })).status).toBe(200);
    expect(upstream.requests).toHaveLength(5);
  });

  it('is not asked where another one has room', async () => {
    const other = await startStandIn({ key: 'inf-other' });
    await start({ OTHER_URL: other.url, OTHER_KEY: other.key });
    const scripted = (_req: unknown, res: ServerResponse): false => {
      says(res, 0, '60s');
      return false;
    };
    upstream.script(scripted);
    for (let n = 0; n < 6; n += 1) expect((await call()).status).toBe(200);
    expect([upstream.requests.length, other.requests.length]).toEqual([1, 5]);
    await other.close();
  });

  it('is asked all the same where UPSTREAM_QUEUE_MS is 0', async () => {
    await start({ UPSTREAM_QUEUE_MS: '0' });
    upstream.script((_req, res) => {
      says(res, 0, '60s');
      return false;
    });
    for (let n = 0; n < 3; n += 1) expect((await call()).status).toBe(200);
  });
});

describe('a request that waits', () => {
  it('and has its caller leave is never sent, and not charged', async () => {
    await start();
    upstream.script(first(0, '5s'));
    await call();
    const leaving = new AbortController();
    const left = post(`${gateway.url}${paths.chat}`, bodies.chat(), {
      token: token.text,
      signal: leaving.signal,
    });
    await untilWaiting(1);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await untilWaiting(0);
    const [, entry] = await gateway.settled(token.team, 2);
    expect(entry).toMatchObject({ outcome: 'aborted', input_tokens: 0, output_tokens: 0 });
    expect(await requestsUsed()).toBe(1);
    expect(upstream.requests).toHaveLength(1);
  });

  it('is told to come back where its process ends, and not charged', async () => {
    await start();
    upstream.script(first(0, '5s'));
    await call();
    const waits = call();
    await untilWaiting(1);
    gateway.endRemaining();
    const reply = await waits;
    expect([reply.status, errorOf(reply).code]).toEqual([503, 'overloaded']);
    const [, entry] = await gateway.settled(token.team, 2);
    expect(entry).toMatchObject({ error_code: 'shutdown', input_tokens: 0, output_tokens: 0 });
    expect(upstream.requests).toHaveLength(1);
  });

  it('has a place among so many of its team, and so many in all', async () => {
    await start({ UPSTREAM_QUEUE_MAX: '3', UPSTREAM_QUEUE_MAX_PER_TEAM: '2' });
    const [theirs, others] = [await gateway.issue(), await gateway.issue()];
    upstream.script(first(0, '1500ms'));
    await call();
    const [one, two] = [call(), call()];
    await untilWaiting(2);
    expect((await call()).status).toBe(429);
    const three = call(theirs);
    await untilWaiting(3);
    const refused = await call(others);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([
      429,
      expect.stringMatching(/^[12]$/) as unknown,
    ]);
    expect((await Promise.all([one, two, three])).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('gives up after UPSTREAM_QUEUE_MS', async () => {
    await start({ UPSTREAM_QUEUE_MS: '700' });
    // Of those under way it is not known whether they leave room.
    upstream.script((_req, res) => {
      says(res, 1, '60s');
      return upstream.requests.length > 1;
    });
    await call();
    const leaving = new AbortController();
    const held = post(`${gateway.url}${paths.chat}`, bodies.chat(), {
      token: token.text,
      signal: leaving.signal,
    });
    await upstream.waitFor(({ requests }) => requests.length === 2);
    const startedAt = performance.now();
    const reply = await call();
    expect(reply.status).toBe(429);
    expect(performance.now() - startedAt).toBeGreaterThan(600);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(50);
    leaving.abort();
    await expect(held).rejects.toThrow();
  });
});

describe('one team that floods', () => {
  it('does not keep another one from its turn', async () => {
    await start();
    const flooded = await gateway.issue();
    const windowMs = 400;
    const each = 4;
    let taken = 0;
    let startsAt = performance.now();
    // So many a window, and the truth about it.
    upstream.script((req, res, body) => {
      if (performance.now() >= startsAt + windowMs) {
        startsAt = performance.now();
        taken = 0;
      }
      taken += 1;
      const resetMs = Math.ceil(startsAt + windowMs - performance.now());
      says(res, Math.max(0, each - taken), `${resetMs}ms`, each);
      if (taken <= each) return false;
      return respond(429, { ...json, 'retry-after': '1' }, '{}')(req, res, body);
    });
    await call(flooded);
    const flood = Array.from({ length: 40 }, () => call(flooded));
    await waitFor(async () => (await waiting()) > 20, { what: 'a queue' });
    const before = upstream.requests.length;
    for (let n = 0; n < 3; n += 1) expect((await call()).status).toBe(200);
    // Three turns of this team beside as many of the other, and what a window lets through while it did not ask.
    expect(upstream.requests.length - before).toBeLessThanOrEqual(3 * 2 * each);
    expect(await waiting()).toBeGreaterThan(5);
    await Promise.all(flood);
  });
});

describe('one team whose requests alone are refused for their rate', () => {
  const limited = respond(429, { ...json, 'retry-after': '3600' }, '{}');

  it.each<[string, Script]>([
    ['with a long wait', limited],
    [
      'by a figure',
      (_req, res) => {
        says(res, 0, '1h');
        return false;
      },
    ],
  ])('does not keep another one from its turn: %s', async (_, script) => {
    await start();
    const hostile = await gateway.issue();
    upstream.script((req, res, body) => {
      for (const name of res.getHeaderNames()) if (name.startsWith('x-ratelimit')) res.removeHeader(name);
      return JSON.stringify(body).includes('trouble') && script(req, res, body);
    });
    const trouble = { messages: [{ role: 'user', content: 'trouble' }] };
    const provoke = (): Promise<Reply> =>
      post(`${gateway.url}${paths.chat}`, bodies.chat(trouble), { token: hostile.text });
    for (let n = 0; n < 3; n += 1) {
      await provoke();
      const replies = await Promise.all([provoke(), ...Array.from({ length: 8 }, () => call())]);
      expect(replies.slice(1).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    }
  });
});

describe('two processes on one store', () => {
  let redis: SharedRedis;
  let second: TestGateway;

  beforeAll(async () => {
    redis = await sharedRedis();
  });

  it('share what one of them was told', async () => {
    gateway = await startGateway({ upstream, redis });
    second = await startGateway({ upstream, redis, adminKey: gateway.adminKey });
    token = await gateway.issue();
    const script = (reading: boolean): Script => {
      return (_req, res) => {
        says(res, 0, '8s');
        if (reading) return false;
        for (const name of res.getHeaderNames()) if (name.startsWith('x-ratelimit')) res.removeHeader(name);
        return false;
      };
    };
    upstream.script(script(true));
    await call();
    upstream.script(script(false));
    const leaving = new AbortController();
    // The second asks on, and is told nothing by the upstream, until it waits for what the first was told.
    const asked = waitFor(
      async () => {
        void post(`${second.url}${paths.chat}`, bodies.chat(), {
          token: token.text,
          signal: leaving.signal,
        }).catch(() => undefined);
        return (await waiting(second)) > 0;
      },
      { what: 'the second process to wait', timeoutMs: 60_000 },
    );
    await asked;
    leaving.abort();
    const keys = (await redis.command('KEYS', '*:reading:*')) as string[];
    expect(keys).toHaveLength(1);
    expect(keys.join()).not.toContain(upstream.key);
    expect(Number(await redis.command('PTTL', keys[0] ?? ''))).toBeGreaterThan(0);
    await second.close();
  });
});
