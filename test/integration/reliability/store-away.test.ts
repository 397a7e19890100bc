import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { write } from '../../../src/demo/connection.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import {
  bodies,
  errorOf,
  get,
  open,
  paths,
  post,
  readStream,
  type Reply,
} from '../../support/gateway-client.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import { waitFor, within } from '../../support/wait-for.ts';

const limits: Limit[] = [
  { metric: 'requests', window: 'day', max: 1_000 },
  { metric: 'concurrency', max: 50 },
];

let redis: RedisServer;
let upstream: StandIn;
let gateway: TestGateway;
let token: IssuedToken;
let finishStream: () => void;

beforeEach(async () => {
  redis = await startRedis();
  upstream = await startStandIn();
  gateway = await startGateway({ upstream, redis, env: { STORE_TIMEOUT_MS: '1000' } });
  token = await gateway.issue({ team: { limits } });
});

afterEach(async () => {
  redis.resume();
  await gateway.close();
  await upstream.close();
  await redis.stop();
});

const call = (): Promise<Reply> => post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
const status = async (path: string): Promise<number> => (await get(gateway.url + path)).status;

/** A stream whose end the test decides on. */
async function runningStream(): Promise<Response> {
  const finish = Promise.withResolvers<void>();
  finishStream = finish.resolve;
  upstream.script(async (_req, res, body) => {
    if (!isStreamed(body)) return false;
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    await write(
      res,
      messageFrame({ choices: [{ index: 0, delta: { content: 'first' }, finish_reason: '' }] }),
    );
    await finish.promise;
    await write(res, doneFrame);
    res.end();
    return true;
  });
  return open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), { token: token.text });
}

function isStreamed(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'stream' in body && body.stream === true;
}

/** What the team's limit on requests says is used. */
async function usedRequests(): Promise<number> {
  const me = await get(`${gateway.url}/v1/me`, { token: token.text });
  const { limits: told } = me.json as { limits: { metric: string; used: number }[] };
  return told.find(({ metric }) => metric === 'requests')?.used ?? -1;
}

describe('a store that hangs', () => {
  it('is said while it hangs, leaves streams alone, charges nobody for what was refused, and is back by itself', async () => {
    const stream = readStream(await runningStream());
    await stream.until('first');
    redis.pause();
    const calls = Promise.all(Array.from({ length: 20 }, call));
    const refused = await within(calls, 20_000, 'every call to be refused'); // the store never answers
    expect(new Set(refused.map((reply) => `${reply.status} ${errorOf(reply).code}`))).toEqual(
      new Set(['503 store_unavailable']),
    );
    expect([await status('/readyz'), await status('/healthz')]).toEqual([503, 200]);
    finishStream();
    expect(await stream.rest()).toBe('clean');

    redis.resume();
    await waitFor(async () => (await call()).status === 200, { what: 'an answer' });
    const entries = await gateway.settled(token.team, 2, 20_000);
    // Ghosts, admitted by the store when it woke up, have been given back: what is counted is what is in the ledger.
    await waitFor(async () => (await usedRequests()) === entries.length, {
      what: 'the counter to equal the ledger',
    });
    expect(entries.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  });
});

describe('a store that comes back empty', () => {
  it('knows no token any more, yet gets the entry of a stream that ran on, once', async () => {
    const stream = readStream(await runningStream());
    await stream.until('first');
    await redis.kill();
    await redis.restart();
    await waitFor(async () => (await status('/readyz')) === 200, { what: 'readiness' });
    await waitFor(async () => (await call()).status === 401, { what: 'a 401' });
    finishStream();
    expect(await stream.rest()).toBe('clean');
    const [entry, ...others] = await gateway.settled(token.team, 1, 20_000);
    expect(entry).toMatchObject({ outcome: 'ok', stream: true, status: 200 });
    expect(others).toEqual([]);
    // Scripts and identities are as on any new store.
    token = await gateway.issue({ team: { limits } });
    expect((await call()).status).toBe(200);
  });
});
