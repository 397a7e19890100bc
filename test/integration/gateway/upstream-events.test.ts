import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../../src/base/event.ts';
import { Outbox } from '../../../src/events/outbox.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { expectEvent } from '../../support/expect-event.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

/* What a gateway tells of its attachments: their own trouble, and not what one team brings about. */

let redis: RedisServer;
let store: RedisStore;
let gateway: TestGateway;
let outbox: Outbox;
/** Turned forward so that circuits are half-open again. */
let laterMs = 0;

const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + laterMs };

beforeAll(async () => {
  redis = await startRedis();
  store = new RedisStore({ url: redis.url, verifyTls: true, commandTimeoutMs: 10_000 });
  store.connect();
  await store.whenReady(10_000);
});
afterEach(() => gateway.close());
afterAll(async () => {
  store.close();
  await redis.stop();
});

async function start(env: Record<string, string> = {}): Promise<void> {
  const prefix = `${randomBytes(4).toString('hex')}:`;
  outbox = new Outbox(store, keysUnder(prefix));
  gateway = await startGateway({
    redis,
    clock,
    env: { REDIS_PREFIX: prefix, UPSTREAM_ATTEMPTS: '1', ...env },
  });
}

/** A call after all circuits may be tried again. */
async function call({ text }: IssuedToken): Promise<number> {
  laterMs += 120_000;
  return (await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: text })).status;
}

function answers(status: number): void {
  gateway.upstream.script((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end('{"error":{"message":"No."}}');
    return Promise.resolve(true);
  });
}

/** The events so far, once there are so many. */
async function told(count: number): Promise<StoredEvent[]> {
  let events: StoredEvent[] = [];
  await waitFor(async () => (events = await outbox.after('0-0', 100)).length >= count, {
    what: 'the events',
  });
  for (const event of events) expectEvent(event);
  return events;
}

describe('an attachment', () => {
  it('that fails for two teams is told as down once, and as recovered once it answers', async () => {
    await start();
    const [one, other] = [await gateway.issue(), await gateway.issue()];
    answers(503);
    for (let n = 0; n < 3; n += 1) for (const token of [one, other]) expect(await call(token)).toBe(502);
    gateway.upstream.script(null);
    expect(await call(one)).toBe(200);
    expect(await told(2)).toMatchObject([
      { type: 'upstream.down', team: null, data: { attachment: 'INFERENCE', cause: 'failing' } },
      { type: 'upstream.recovered', team: null, data: { attachment: 'INFERENCE' } },
    ]);
  });

  it('that fails for the only team that asks is told as down, with the team', async () => {
    await start();
    const token = await gateway.issue();
    answers(503);
    for (let n = 0; n < 6; n += 1) expect(await call(token)).toBe(502);
    expect(await told(1)).toMatchObject([
      { type: 'upstream.down', team: null, data: { attachment: 'INFERENCE', only_team: token.team } },
    ]);
  });

  it('that fails for one team and answers another is not told as down', async () => {
    await start();
    const [one, other] = [await gateway.issue(), await gateway.issue()];
    for (let n = 0; n < 3; n += 1) {
      answers(503);
      for (let m = 0; m < 3; m += 1) expect(await call(one)).toBe(502);
      gateway.upstream.script(null);
      expect(await call(other)).toBe(200);
    }
    answers(401);
    expect(await call(one)).toBe(502);
    expect((await told(1)).map(({ type }) => type)).toEqual(['upstream.key_refused']);
  });

  it('that cannot be connected to is told as down for all models', async () => {
    await start({ INFERENCE_URL: 'http://127.0.0.1:1' });
    const token = await gateway.issue();
    for (let n = 0; n < 4; n += 1) expect(await call(token)).toBe(502);
    expect(await told(1)).toMatchObject([
      { type: 'upstream.down', data: { attachment: 'INFERENCE', model: null, cause: 'unconnected' } },
    ]);
  });

  it('that refuses its key is told once a day, whoever asks how often', async () => {
    await start();
    const [one, other] = [await gateway.issue(), await gateway.issue()];
    answers(401);
    for (let n = 0; n < 3; n += 1) for (const token of [one, other]) await call(token);
    laterMs += 2 * 3_600_000; // this process asks the store again
    await call(one);
    answers(403);
    await call(one);
    await call(other); // the store has had what came before it
    expect(await told(1)).toMatchObject([
      { type: 'upstream.key_refused', team: null, data: { attachment: 'INFERENCE', status: 401 } },
    ]);
  });
});
