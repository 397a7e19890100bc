import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import { startGateway } from '../../support/gateway.ts';
import { tellSomething } from '../../support/delivering.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { type SpawnedGateway, spawnGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Received, startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';
import { putWebhook, signingSecret, webhookRecord } from '../../support/webhooks.ts';

const keys = keysUnder('tollgate:');

describe('gateways that deliver events', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  interface World {
    redis: RedisServer;
    store: RedisStore;
    receiver: WebhookReceiver;
    env: Record<string, string>;
    gateway: () => Promise<SpawnedGateway>;
    tell: () => Promise<void>;
  }

  /** A real Redis and a receiver; gateways are started when they are asked for. */
  const world = async (): Promise<World> => {
    const redis = await startRedis();
    ends.push(() => redis.stop());
    const receiver = await startReceiver();
    ends.push(() => receiver.close());
    const store = new RedisStore({ url: redis.url, verifyTls: false, commandTimeoutMs: 60_000 });
    ends.push(() => store.close());
    store.connect();
    await store.whenReady(60_000);
    await putWebhook(
      store,
      keys,
      webhookRecord({
        url: receiver.url,
        secrets: [{ text: signingSecret(1) }],
        created_at: new Date(systemClock.now() - 60_000).toISOString(),
      }),
    );
    const env = {
      ADMIN_KEY: 'e779ae2c795d6f77f038ee48a984706d',
      INFERENCE_URL: 'http://127.0.0.1:9',
      INFERENCE_KEY: 'inf-of-nobody',
      REDIS_URL: redis.url,
      WEBHOOK_PRIVATE_HOSTS: receiver.host,
    };
    return {
      redis,
      store,
      receiver,
      env,
      gateway: async () => {
        const gateway = await spawnGateway({ env });
        ends.push(() => gateway.stop('SIGKILL'));
        return gateway;
      },
      tell: () => tellSomething(store, keys),
    };
  };
  const idsIn = (received: readonly Received[]): unknown[] =>
    received.map(({ headers }) => headers['webhook-id']);
  const leaseOwner = async (redis: RedisServer): Promise<unknown> =>
    redis.command('HGET', keys.lease('events'), 'owner');

  it('send an event again, with the same id, if the one that delivers is killed between sending and noting', async () => {
    const { redis, receiver, env, gateway, tell } = await world();
    const first = await gateway();
    receiver.answer = (response) => {
      first.kill('SIGKILL');
      response.writeHead(204).end();
    };
    await waitFor(() => leaseOwner(redis), { what: 'a gateway to deliver' });
    const owner = await leaseOwner(redis);
    await tell();
    await waitFor(() => receiver.received.length === 1, { what: 'the event' });
    await first.exited;
    const next = await startGateway({ redis, env });
    ends.push(() => next.close());
    await waitFor(() => receiver.received.length === 2, { what: 'the event again', timeoutMs: 120_000 });
    expect(new Set(idsIn(receiver.received)).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(await leaseOwner(redis)).not.toBe(owner);
    await waitFor(async () => (await redis.command('EXISTS', keys.due('wh_000000000001'))) === 0, {
      what: 'the event to be noted',
    });
  });

  it('deliver each event once while two run, and one after the other ends', async () => {
    const { redis, receiver, gateway, tell } = await world();
    const gateways = await Promise.all([gateway(), gateway()]);
    for (let told = 0; told < 20; told += 1) await tell();
    await waitFor(() => receiver.received.length >= 20, { what: 'all events' });
    // What is being sent when a gateway ends is noted before another one sends.
    receiver.answer = (response) => void setTimeout(() => response.writeHead(204).end(), 300);
    await tell();
    await waitFor(() => receiver.received.length >= 21, { what: 'the next event' });
    await gateways[0].stop();
    await tell();
    await waitFor(() => receiver.received.length >= 22, { what: 'the last event', timeoutMs: 120_000 });
    await gateways[1].stop();
    expect(await redis.command('EXISTS', keys.due('wh_000000000001'))).toBe(0);
    expect(idsIn(receiver.received)).toHaveLength(22);
    expect(new Set(idsIn(receiver.received)).size).toBe(22);
    expect(gateways.map((each) => each.stdout() + each.stderr()).join('')).not.toContain('/in');
  });

  it('go on when the store was away', async () => {
    const { redis, receiver, env, tell } = await world();
    const one = await startGateway({ redis, env: { ...env, STORE_TIMEOUT_MS: '1000' } });
    ends.push(() => one.close());
    await tell();
    await waitFor(() => receiver.received.length === 1, { what: 'the first event' });
    await waitFor(async () => (await redis.command('EXISTS', keys.due('wh_000000000001'))) === 0, {
      what: 'it to be noted',
    });
    redis.pause();
    const healthy = await fetch(`${one.url}/healthz`);
    expect(healthy.status).toBe(200);
    await waitFor(async () => (await fetch(`${one.url}/readyz`)).status === 503, {
      what: 'the store to be missed',
    });
    redis.resume();
    await tell();
    await waitFor(() => receiver.received.length === 2, { what: 'the second event', timeoutMs: 120_000 });
    expect(new Set(idsIn(receiver.received)).size).toBe(2);
  });
});
