import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { streamFrames } from '../../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, open, paths, post, readStream } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { spawnGateway, type SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor, within } from '../../support/wait-for.ts';

/* A gateway of its own process is told to stop while requests of every kind run. */

const graceMs = 1_200;
const word = messageFrame({ choices: [{ delta: { content: 'x'.repeat(40) } }] }); // ten tokens' worth
const half = word.slice(0, -20);
const told = /^event: error\ndata: (.*)\n\n$/;

let redis: SharedRedis;
let upstream: StandIn;
/** Reads the ledger, on the same Redis. */
let witness: TestGateway;
let spawned: SpawnedGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn();
  witness = await startGateway({ redis, upstream });
});
afterEach(async () => {
  upstream.script(null);
  await spawned.stop('SIGKILL');
});
afterAll(async () => {
  await witness.close();
  await upstream.close();
});

async function spawn(env: Record<string, string> = {}): Promise<SpawnedGateway> {
  spawned = await spawnGateway({
    env: {
      NODE_ENV: 'production',
      ADMIN_KEY: witness.adminKey,
      REDIS_URL: redis.url,
      INFERENCE_URL: upstream.url,
      INFERENCE_KEY: upstream.key,
      SHUTDOWN_GRACE_MS: String(graceMs),
      ...env,
    },
  });
  return spawned;
}

/** Answers by the prompt: each request of a test has a behaviour of its own. */
function byPrompt(scripts: Record<string, Script>): Script {
  return (req, res, body) => {
    const { messages } = body as { messages: [{ content: string }] };
    const script = scripts[messages[0].content];
    return script ? script(req, res, body) : false;
  };
}

const asking = (content: string, stream: boolean): object =>
  bodies.chat({ stream, messages: [{ role: 'user', content }] });

async function readiness(): Promise<number | 'refused'> {
  const answer = await fetch(`${spawned.url}/readyz`).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.status ?? 'refused';
}

/** What a stopped process leaves of itself in the store. */
async function traces(): Promise<{ open: unknown; processes: unknown }> {
  return {
    open: await redis.command('KEYS', 'tollgate:1:open:*'),
    processes: await redis.command('ZCARD', 'tollgate:1:processes'),
  };
}

describe('SIGTERM, several times', () => {
  it('lets what ends in its time end, ends the rest so that everyone notices, and settles all', async () => {
    const { url } = await spawn();
    const token: IssuedToken = await witness.issue({ limits: [{ metric: 'concurrency', max: 100 }] });
    const finish = Promise.withResolvers<void>();
    upstream.script(
      byPrompt({
        'in time, streamed': async (_req, res) => {
          res.writeHead(200, { 'content-type': 'text/event-stream' });
          res.write(word);
          await finish.promise;
          res.end(word + doneFrame);
          return true;
        },
        'in time, plain': async () => {
          await finish.promise;
          return false;
        },
        'never, between events': streamFrames([word, word], { end: false }),
        'never, inside an event': streamFrames([word, half], { end: false }),
        'never begun': () => true,
        'never, plain': () => true,
      }),
    );
    const sent = { token: token.text };
    const start = (content: string): Promise<Response> =>
      open(`${url}${paths.chat}`, asking(content, true), sent);
    const inTime = readStream(await start('in time, streamed'));
    const between = readStream(await start('never, between events'));
    const inside = readStream(await start('never, inside an event'));
    const plainInTime = post(`${url}${paths.chat}`, asking('in time, plain', false), sent);
    const neverBegun = post(`${url}${paths.chat}`, asking('never begun', true), sent);
    const neverPlain = post(`${url}${paths.chat}`, asking('never, plain', false), sent);
    await upstream.waitFor(({ requests }) => requests.length === 6);
    await between.until(word + word);
    await inside.until(word + half);

    const signalledAt = performance.now();
    for (let time = 0; time < 4; time += 1) spawned.kill('SIGTERM');
    await waitFor(async () => (await readiness()) === 503, { what: '/readyz to say 503' });
    const late = await post(`${url}${paths.chat}`, asking('too late', false), sent);
    expect(late.status).toBe(503);
    expect(errorOf(late).code).toBe('overloaded');

    finish.resolve();
    expect(await inTime.rest()).toBe('clean');
    expect(inTime.text()).toBe(word + word + doneFrame);
    expect((await plainInTime).status).toBe(200);

    expect(await between.rest()).toBe('broken');
    expect(performance.now() - signalledAt).toBeGreaterThanOrEqual(graceMs - 50);
    const [, data = ''] = told.exec(between.text().slice(2 * word.length)) ?? [];
    expect(JSON.parse(data)).toMatchObject({ error: { code: 'overloaded' } });
    expect(await inside.rest()).toBe('broken');
    expect(inside.text()).toBe(word + half);
    for (const reply of [await neverBegun, await neverPlain]) {
      expect(reply.status).toBe(503);
      expect(errorOf(reply).code).toBe('overloaded');
    }
    expect(await within(spawned.exited, 30_000)).toEqual({ code: 0, signal: null });
    await upstream.waitFor(({ open: left }) => left === 0);

    const entries = await witness.settled(token.team, 6);
    const ended = entries.map((entry) => [
      entry.outcome,
      entry.error_code,
      entry.stream,
      entry.output_tokens,
    ]);
    const inOrder = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    expect(ended.sort(inOrder)).toEqual(
      [
        ['ok', null, false, expect.any(Number) as unknown],
        ['ok', null, true, 20],
        ['error', 'shutdown', true, 20],
        ['error', 'shutdown', true, 10],
        ['error', 'shutdown', true, 0],
        ['error', 'shutdown', false, 0],
      ].sort(inOrder),
    );
    expect(entries.every(({ model }) => model === models.chat)).toBe(true);
    expect(await witness.usage(token.team)).toMatchObject({ requests: 6, errors: 4, aborted: 0, lost: 0 });
    const { body } = await witness.admin('GET', `/admin/teams/${token.team}/tokens/${token.id}`);
    expect(body['revoked_at']).toBeNull();
    // Only the witness is left.
    expect(await traces()).toEqual({ open: [], processes: 1 });
  });

  it('ends at once where nothing runs, and leaves no trace in the store', async () => {
    await spawn();
    expect(await spawned.stop('SIGTERM', 30_000)).toEqual({ code: 0, signal: null });
    expect(spawned.stdout()).not.toContain('ending the requests that still run'); // said after the grace
    expect(await traces()).toEqual({ open: [], processes: 1 });
    for (const line of spawned.stdout().trimEnd().split('\n'))
      expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('is not held up by a reader that takes nothing', async () => {
    await spawn({ SHUTDOWN_GRACE_MS: '300', READER_TIMEOUT_MS: '1000' });
    const token = await witness.issue();
    const full = Promise.withResolvers<void>();
    upstream.script(async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      while (!res.destroyed) {
        if (res.write(word.repeat(1_000))) continue;
        const drained = await Promise.race([once(res, 'drain'), sleep(100, 'full')]);
        if (drained === 'full') full.resolve();
      }
      return true;
    });
    const answer = await open(`${spawned.url}${paths.chat}`, bodies.chat({ stream: true }), {
      token: token.text,
    });
    await full.promise; // every buffer on the way
    spawned.kill('SIGTERM');
    expect(await within(spawned.exited, 30_000)).toEqual({ code: 0, signal: null });
    expect((await witness.settled(token.team, 1))[0]).toMatchObject({
      outcome: 'error',
      error_code: 'shutdown',
    });
    await readStream(answer).rest(10_000);
  });
});

describe('SIGTERM while a request waits for room', () => {
  it('ends its waiting after the grace, and it is not charged', async () => {
    const { url } = await spawn();
    const token = await witness.issue();
    upstream.script((_req, res) => {
      res.setHeader('x-ratelimit-remaining-requests', '0');
      res.setHeader('x-ratelimit-reset-requests', '9s');
      return false;
    });
    const before = upstream.requests.length;
    const ask = (): ReturnType<typeof post> =>
      post(`${url}${paths.chat}`, asking('first', false), { token: token.text });
    expect((await ask()).status).toBe(200);
    const waits = ask();
    const waiting = async (): Promise<boolean> => {
      const metrics = await fetch(`${url}/metrics`, {
        headers: { authorization: `Bearer ${witness.adminKey}` },
      });
      return /^tollgate_waiting_requests\{.*\} 1$/m.test(await metrics.text());
    };
    await waitFor(waiting, { what: 'a waiting request' });
    spawned.kill('SIGTERM');
    const reply = await waits;
    expect([reply.status, errorOf(reply).code]).toEqual([503, 'overloaded']);
    const [, entry] = await witness.settled(token.team, 2);
    expect(entry).toMatchObject({ error_code: 'shutdown', input_tokens: 0, output_tokens: 0 });
    expect(upstream.requests.length - before).toBe(1);
  });
});
