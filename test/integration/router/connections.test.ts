import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { streamFrames } from '../../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { type StandIn, startStandIn } from '../../support/stand-in.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, paths, post } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { type Router, startRouter } from '../../support/router.ts';
import { spawnGateway, type SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

/* Heroku's router keeps its connections to the dyno for 90 s. One that the dyno closes first takes a request with it. */

const keepAliveMs = 90_000;
const word = messageFrame({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: '' }] });

let redis: SharedRedis;
let upstream: StandIn;
let witness: TestGateway;
let token: IssuedToken;
const routers: Router[] = [];
const spawned: SpawnedGateway[] = [];

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn();
  witness = await startGateway({ redis, upstream });
  token = await witness.issue();
});
afterEach(async () => {
  for (const router of routers.splice(0)) await router.close();
  for (const gateway of spawned.splice(0)) await gateway.stop('SIGKILL');
});
afterAll(async () => {
  await witness.close();
  await upstream.close();
});

async function through(port: number, options: { keepAliveMs?: number } = {}): Promise<Router> {
  const router = await startRouter({ port, ...options });
  routers.push(router);
  return router;
}

async function spawn(): Promise<SpawnedGateway> {
  const gateway = await spawnGateway({
    env: {
      DYNO: 'web.1',
      ADMIN_KEY: witness.adminKey,
      REDIS_URL: redis.url,
      INFERENCE_URL: upstream.url,
      INFERENCE_KEY: upstream.key,
      SHUTDOWN_GRACE_MS: '5000',
      STORE_TIMEOUT_MS: '10000', // a busy machine is no reason for a store_unavailable
    },
  });
  spawned.push(gateway);
  return gateway;
}

const ask = (router: Router, stream = false) =>
  post(`${router.url}${paths.chat}`, bodies.chat({ stream }), { token: token.text });

describe('connections that the router keeps', () => {
  it('are used again late in the time that it keeps them', async () => {
    const shortMs = 2_000;
    const router = await through(witness.port, { keepAliveMs: shortMs });
    for (const stream of [false, true, false]) {
      if (router.connections.opened > 0) await sleep(0.75 * shortMs);
      expect((await ask(router, stream)).status).toBe(200);
    }
    expect(router.connections).toEqual({ opened: 1, reused: 2 });
    expect(router.errors).toEqual([]);
  });

  it('are not closed by the gateway before that, and it says so', async () => {
    expect(witness.server.keepAliveTimeout).toBeGreaterThanOrEqual(keepAliveMs + 5_000);
    const { headers } = await fetch(`${witness.url}/healthz`);
    expect(headers.get('keep-alive')).toBe(`timeout=${witness.server.keepAliveTimeout / 1_000}`);
  });

  it('are used again after a refusal that leaves the body unread', async () => {
    const router = await through(witness.port);
    for (let time = 0; time < 3; time += 1) {
      const reply = await post(`${router.url}${paths.chat}`, bodies.chat(), { token: 'none' });
      expect(reply.status).toBe(401);
    }
    expect((await ask(router)).status).toBe(200);
    expect(router.errors).toEqual([]);
  });
});

/**
 * Callers that ask one thing after another, plain calls and streams, until they are stopped; told by the gateway to come
 * back, they do.
 */
function startCallers(router: Router, count: number): { ended: string[]; stop: () => Promise<void> } {
  const ended: string[] = [];
  const end = new AbortController();
  const caller = async (stream: boolean): Promise<void> => {
    while (!end.signal.aborted) {
      const reply = await ask(router, stream);
      const { status, text, headers } = reply;
      if (status === 503 && headers.get('retry-after') === '1') {
        ended.push(errorOf(reply).code ?? '');
        await sleep(20);
      } else
        ended.push(status === 200 && (!stream || text.endsWith(doneFrame)) ? 'whole' : `${status}: ${text}`);
    }
  };
  const all = Promise.all(Array.from({ length: count }, (_, n) => caller(n % 2 === 0)));
  return {
    ended,
    stop: async () => {
      end.abort();
      await all;
    },
  };
}

describe('a deploy', () => {
  it('a dyno is told to stop, and the router hears of it later: no request is without an answer', async () => {
    upstream.script((req, res, body) =>
      (body as { stream?: boolean }).stream === true
        ? streamFrames([word, word, word + doneFrame], { delayMs: 40 })(req, res, body)
        : false,
    );
    const [old, young] = await Promise.all([spawn(), spawn()]);
    const router = await through(old.port);
    const callers = startCallers(router, 10);
    await waitFor(() => callers.ended.length > 50, { what: 'calls to be answered' });
    for (let time = 0; time < 3; time += 1) old.kill('SIGTERM');
    await waitFor(() => callers.ended.includes('overloaded'), { what: 'a call to be turned away' });
    router.moveTo(young.port);
    expect(await old.exited).toEqual({ code: 0, signal: null });
    const before = callers.ended.length;
    await waitFor(() => callers.ended.length > before + 50, { what: 'calls to be answered' });
    await callers.stop();
    expect(router.errors).toEqual([]);
    expect(new Set(callers.ended)).toEqual(new Set(['whole', 'overloaded']));
    expect(new Set(callers.ended.slice(before))).toEqual(new Set(['whole']));
    upstream.script(null);
  });
});
