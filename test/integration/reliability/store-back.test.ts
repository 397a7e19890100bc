import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { bodies, get, paths, post } from '../../support/gateway-client.ts';
import { administrationOf, type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { freePort } from '../../support/free-port.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import { launch } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type MovableAddress, startAddress } from './movable-address.ts';
import { countingLimits, openStream } from './site.ts';

/* A store that was not there yet, died and lives again, moved, or has another password. */

const adminKey = randomBytes(20).toString('hex');
const endings: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function redisServer(...options: Parameters<typeof startRedis>): Promise<RedisServer> {
  const redis = await startRedis(...options);
  endings.push(() => redis.stop());
  return redis;
}

async function addressOf(redis: RedisServer | null): Promise<MovableAddress> {
  const address = await startAddress(redis?.port ?? null);
  endings.push(() => address.close());
  return address;
}

/** An upstream whose streams run until they are told to end. */
async function slowUpstream(): Promise<{ upstream: StandIn; finish: () => void }> {
  const upstream = await startStandIn();
  endings.push(() => upstream.close());
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.script(async (_request, response, body) => {
    if (!(body as { stream?: boolean }).stream) return false;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"choices":[{"delta":{"content":"first"}}]}\n\n');
    await promise;
    response.end(
      'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
    );
    return true;
  });
  return { upstream, finish: resolve };
}

async function gatewayOn(store: string, upstream: StandIn): Promise<TestGateway> {
  const gateway = await startGateway({ redis: { url: store }, upstream, adminKey });
  endings.push(() => gateway.close());
  return gateway;
}

const call = async ({ url }: { url: string }, { text }: IssuedToken): Promise<number> =>
  (await post(`${url}${paths.chat}`, bodies.chat(), { token: text })).status;

const readiness = async ({ url }: { url: string }): Promise<number> => (await get(`${url}/readyz`)).status;

/** What the limits of a token say is used, by metric. */
async function used({ url }: { url: string }, { text }: IssuedToken): Promise<Record<string, number>> {
  const { json } = await get(`${url}/v1/me`, { token: text });
  const limits = json['limits'] as { metric: string; used: number }[];
  return Object.fromEntries(limits.map((limit) => [limit.metric, limit.used]));
}

/** Makes a team, opens a stream, lets something happen to the store, and sees that nothing was lost or doubled. */
async function survives(
  gateway: TestGateway,
  finish: () => void,
  happens: () => Promise<void>,
): Promise<void> {
  const token = await gateway.issue({ team: { limits: countingLimits } });
  expect(await call(gateway, token)).toBe(200);
  await gateway.settled(token.team, 1);
  const stream = await openStream(gateway, token);
  await happens();
  await waitFor(async () => (await call(gateway, token)) === 200, { what: 'an answer', timeoutMs: 10_000 });
  finish();
  expect(await stream.rest()).toBe('clean');
  const entries = await gateway.settled(token.team, 3, 10_000);
  expect(entries.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok']);
  await waitFor(async () => (await used(gateway, token))['concurrency'] === 0, { what: 'places to be free' });
  expect(await used(gateway, token)).toMatchObject({ requests: 3 });
  expect(await gateway.usage(token.team)).toMatchObject({ requests: 3, errors: 0, lost: 0 });
}

describe('a store that is not there when the gateway starts', () => {
  it('is waited for: alive but not ready, 503 meanwhile, and at work as soon as it comes', async () => {
    const address = await addressOf(null);
    const { upstream } = await slowUpstream();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const gateway = launch({
      entry: 'src/main.ts',
      env: {
        NODE_ENV: 'production',
        PORT: String(port),
        HOST: '127.0.0.1',
        ADMIN_KEY: adminKey,
        REDIS_URL: `redis://127.0.0.1:${address.port}`,
        INFERENCE_URL: upstream.url,
        INFERENCE_KEY: upstream.key,
      },
    });
    endings.push(() => gateway.stop('SIGKILL'));
    const alive = async (): Promise<boolean> => (await get(`${url}/healthz`)).status === 200;
    await waitFor(alive, { what: 'the gateway to listen', timeoutMs: 15_000 });
    expect(await readiness({ url })).toBe(503);
    const admin = administrationOf(url, adminKey);
    expect((await admin.admin('POST', '/admin/teams', { id: 'early' })).status).toBe(503);

    address.pointTo((await redisServer()).port);
    await waitFor(async () => (await readiness({ url })) === 200, { what: 'readiness', timeoutMs: 30_000 });
    const token = await admin.issue();
    expect(await call({ url }, token)).toBe(200);
    await admin.settled(token.team, 1);
    expect(await gateway.stop()).toMatchObject({ code: 0 });
  });
});

describe('a store that lacks the commands which only say how it is', () => {
  it('becomes ready and serves', async () => {
    const store = await redisServer({ lacks: ['INFO', 'CONFIG', 'CLIENT', 'COMMAND', 'MEMORY'] });
    const gateway = await startGateway({ redis: store });
    endings.push(() => gateway.close());
    const token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 1 }] });
    expect([await call(gateway, token), await call(gateway, token)]).toEqual([200, 429]);
    expect(await readiness(gateway)).toBe(200);
    expect((await gateway.settled(token.team, 1))[0]).toMatchObject({ outcome: 'ok' });
  });
});

describe('a store that lacks the database of its URL', () => {
  it('is an error in the log that names the variable; the gateway is alive, and never ready', async () => {
    const { url: redisUrl } = await redisServer();
    const { upstream } = await slowUpstream();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const gateway = launch({
      entry: 'src/main.ts',
      env: {
        PORT: String(port),
        HOST: '127.0.0.1',
        ADMIN_KEY: adminKey,
        REDIS_URL: `${redisUrl}/99`,
        INFERENCE_URL: upstream.url,
        INFERENCE_KEY: upstream.key,
      },
    });
    endings.push(() => gateway.stop('SIGKILL'));
    const told = (): string | undefined =>
      gateway
        .stdout()
        .split('\n')
        .find((line) => line.includes('"level":"error"'));
    expect(await waitFor(told, { what: 'an error', timeoutMs: 15_000 })).toMatch(
      /database at the end of REDIS_URL .* is refused: .* out of range/,
    );
    expect((await get(`${url}/healthz`)).status).toBe(200);
    expect(await readiness({ url })).toBe(503);
  });
});

describe('a store that dies', () => {
  it('and is started again with its data loses nothing: tokens, counters, what was open', async () => {
    const redis = await redisServer({ persist: true, args: ['--appendfsync', 'always'] });
    const { upstream, finish } = await slowUpstream();
    const gateway = await gatewayOn(redis.url, upstream);
    await survives(gateway, finish, async () => {
      await redis.kill();
      expect(await readiness(gateway)).toBe(503);
      await redis.restart();
    });
  });
});

describe('a store that moves behind its address', () => {
  /** A primary, a replica that has all of it, and the address they share. */
  async function pair(): Promise<{ primary: RedisServer; replica: RedisServer; address: MovableAddress }> {
    const primary = await redisServer({ args: ['--repl-diskless-sync-delay', '0'] });
    const replica = await redisServer({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
    return { primary, replica, address: await addressOf(primary) };
  }

  /** Waits until the replica has all that the primary has. */
  async function inStep(primary: RedisServer): Promise<void> {
    const connected = async (): Promise<boolean> => (await primary.command('WAIT', 1, 5_000)) === 1;
    await waitFor(connected, { what: 'the replica', timeoutMs: 10_000 });
  }

  it('is followed where the old primary is gone', async () => {
    const { primary, replica, address } = await pair();
    const { upstream, finish } = await slowUpstream();
    const gateway = await gatewayOn(`redis://127.0.0.1:${address.port}`, upstream);
    await survives(gateway, finish, async () => {
      await inStep(primary);
      await primary.kill();
      await replica.command('REPLICAOF', 'NO', 'ONE');
      address.pointTo(replica.port);
    });
  });

  it('is followed where the old primary lives on as a replica, its connections open', async () => {
    const { primary, replica, address } = await pair();
    const { upstream, finish } = await slowUpstream();
    const gateway = await gatewayOn(`redis://127.0.0.1:${address.port}`, upstream);
    await survives(gateway, finish, async () => {
      await inStep(primary);
      await replica.command('REPLICAOF', 'NO', 'ONE');
      await primary.command('REPLICAOF', '127.0.0.1', replica.port);
      address.pointTo(replica.port);
    });
  });
});

describe('a store whose password changes', () => {
  it('is said without the password; a process with the new one goes on, and nothing is lost', async () => {
    const redis = await redisServer();
    const setPassword = (password: string): Promise<unknown> =>
      redis.command('ACL', 'SETUSER', 'app', 'on', 'resetpass', `>${password}`, '~*', '&*', '+@all');
    const urlWith = (password: string): string => `redis://app:${password}@127.0.0.1:${redis.port}`;
    await setPassword('first-password');
    const { upstream, finish } = await slowUpstream();
    const old = await gatewayOn(urlWith('first-password'), upstream);
    const token = await old.issue({ team: { limits: countingLimits } });
    const stream = await openStream(old, token);

    await setPassword('second-password');
    await redis.command('CLIENT', 'KILL', 'USER', 'app');
    await waitFor(async () => (await readiness(old)) === 503, { what: 'a 503' });
    expect(await call(old, token)).toBe(503);
    await waitFor(() => old.log().includes('WRONGPASS'), { what: 'a word in the log' });
    expect(old.log()).not.toMatch(/first-password|second-password/);

    // As on Heroku: the app is started anew with the new URL, and what the old process cannot settle is closed.
    const next = await gatewayOn(urlWith('second-password'), upstream);
    expect(await call(next, token)).toBe(200);
    finish();
    expect(await stream.rest()).toBe('clean');
    await setPassword('first-password'); // the old process comes back before its lease is over
    const entries = await next.settled(token.team, 2, 20_000);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  });
});
