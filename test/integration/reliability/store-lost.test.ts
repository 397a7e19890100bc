import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { readIdentityFile } from '../../../src/backup/identity-file.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { documentOf, largeDocument, tokenRow, userRow } from '../../support/documents.ts';
import { freePort } from '../../support/free-port.ts';
import { bodies, errorOf, get, paths, post } from '../../support/gateway-client.ts';
import {
  type AdminReply,
  administrationOf,
  type IssuedToken,
  startGateway,
  type TestGateway,
} from '../../support/gateway.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import { launch, spawnGateway, type Program } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

/* A store that forgot everything, and how its identities come back: by import, by IDENTITY_FILE. */

const adminKey = randomBytes(20).toString('hex');
const endings: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function redisServer(): Promise<RedisServer> {
  const redis = await startRedis();
  endings.push(() => redis.stop());
  return redis;
}

async function standIn(): Promise<StandIn> {
  const upstream = await startStandIn();
  endings.push(() => upstream.close());
  return upstream;
}

async function gatewayOn(redis: RedisServer, env: Record<string, string> = {}): Promise<TestGateway> {
  const gateway = await startGateway({ redis, adminKey, env });
  endings.push(() => gateway.close());
  return gateway;
}

async function fileOf(document: object | string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tollgate-identities-'));
  endings.push(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'identities.json');
  await writeFile(file, typeof document === 'string' ? document : JSON.stringify(document));
  return file;
}

/** The code a chat call comes to: `ok`, or the error's. */
async function call({ url }: { url: string }, text: string): Promise<string | null> {
  const reply = await post(`${url}${paths.chat}`, bodies.chat(), { token: text });
  return reply.status === 200 ? 'ok' : errorOf(reply).code;
}

async function usedRequests({ url }: { url: string }, { text }: IssuedToken): Promise<number> {
  const { json } = await get(`${url}/v1/me`, { token: text });
  return (json['limits'] as { used: number }[])[0]?.used ?? -1;
}

describe('a store that lost its memory', () => {
  const losses: Record<string, (redis: RedisServer) => Promise<void>> = {
    'emptied under a running gateway': (redis) => redis.flush(),
    'started again without persistence': (redis) => redis.restart(),
  };
  it.each(Object.keys(losses))(
    '%s, is brought back by import: the same tokens work, revoked ones stay revoked',
    async (loss) => {
      const redis = await redisServer();
      const gateway = await gatewayOn(redis);
      const live = await gateway.issue({ team: { limits: [{ metric: 'requests', window: 'day', max: 3 }] } });
      const revoked = await gateway.issue({ team: { id: live.team } });
      await gateway.admin('DELETE', `/admin/teams/${live.team}/tokens/${revoked.id}`);
      expect(await call(gateway, live.text)).toBe('ok');
      const { body: document } = await gateway.admin('GET', '/admin/export');

      await losses[loss]?.(redis);
      await waitFor(async () => (await get(`${gateway.url}/readyz`)).status === 200, { what: 'readiness' });
      expect(await call(gateway, live.text)).toBe('invalid_token');
      expect(await gateway.admin('POST', '/admin/import', document)).toMatchObject({
        status: 200,
        body: { created: 5 },
      });
      expect(await call(gateway, live.text)).toBe('ok');
      expect(await call(gateway, revoked.text)).toBe('revoked_token');
      const again = await gateway.admin('POST', '/admin/import', document);
      expect(again.body).toMatchObject({ created: 0, unchanged: 5 });
    },
  );

  it('counts on where the counters were kept, and anew where they were not', async () => {
    const redis = await redisServer();
    const gateway = await gatewayOn(redis);
    const token = await gateway.issue({ team: { limits: [{ metric: 'requests', window: 'day', max: 3 }] } });
    expect(await call(gateway, token.text)).toBe('ok');
    await gateway.settled(token.team, 1);
    const { body: document } = await gateway.admin('GET', '/admin/export');
    // The team is gone, its counters are not: as after a deletion by mistake.
    await gateway.admin('DELETE', `/admin/teams/${token.team}`);
    expect(await call(gateway, token.text)).toBe('invalid_token');
    await gateway.admin('POST', '/admin/import', document);
    expect(await usedRequests(gateway, token)).toBe(1);
    expect([await call(gateway, token.text), await call(gateway, token.text)]).toEqual(['ok', 'ok']);
    expect(await call(gateway, token.text)).toBe('insufficient_quota');

    await redis.flush();
    await gateway.admin('POST', '/admin/import', document);
    expect(await usedRequests(gateway, token)).toBe(0);
  });

  it('takes 3,000 tokens, more than one change can, while others are answered', async () => {
    const redis = await redisServer();
    // Test, gateway and upstream share this process: what waits here need not be the store.
    const gateway = await gatewayOn(redis, { STORE_TIMEOUT_MS: '10000' });
    const token = await gateway.issue();
    const importing = gateway.admin('POST', '/admin/import', largeDocument(3_000));
    const done = importing.then(() => true);
    const outcomes: (string | null)[] = [];
    while (!(await Promise.race([done, call(gateway, token.text).then((code) => !outcomes.push(code))])));
    expect(await importing).toMatchObject({ status: 200, body: { created: 6_030 } });
    expect(new Set(outcomes)).toEqual(new Set(['ok']));
    const { body } = await gateway.admin('GET', '/admin/export');
    expect(body['tokens']).toHaveLength(3_001);
  });
});

// Each test has a store and processes of its own, so they run at once.
describe.concurrent('IDENTITY_FILE', () => {
  async function environment(redis: RedisServer, file: string): Promise<Record<string, string>> {
    const upstream = await standIn();
    return {
      NODE_ENV: 'production',
      ADMIN_KEY: adminKey,
      REDIS_URL: redis.url,
      INFERENCE_URL: upstream.url,
      INFERENCE_KEY: upstream.key,
      IDENTITY_FILE: file,
      STORE_TIMEOUT_MS: '10000', // a load that times out and was made all the same says nothing
    };
  }

  /** Runs a gateway of its own process while something is done with it; what it said. */
  async function during(
    env: Record<string, string>,
    work: (
      url: string,
      admin: (...call: [string, string, object?]) => Promise<AdminReply>,
      said: () => string,
    ) => Promise<void>,
  ): Promise<string> {
    const gateway = await spawnGateway({ env });
    endings.push(() => gateway.stop('SIGKILL'));
    const administration = administrationOf(gateway.url, adminKey);
    await work(
      gateway.url,
      (...asked) => administration.admin(...asked),
      () => gateway.stdout(),
    );
    await gateway.stop();
    return gateway.stdout();
  }

  const teamIds = ({ body }: AdminReply): unknown => (body['data'] as { id: string }[]).map(({ id }) => id);

  it('fills an empty store before it listens, then adds only what is new, and all of it again to one that forgot', async () => {
    const redis = await redisServer();
    const document = documentOf({
      users: [userRow('ana'), userRow('bob')],
      tokens: [tokenRow('tok_1'), tokenRow('tok_2', { user: 'bob' })],
    });
    const env = await environment(redis, await fileOf(document));
    const first = await during(env, async (_, admin) => {
      expect(teamIds(await admin('GET', '/admin/teams'))).toEqual(['acme']);
      await admin('PATCH', '/admin/teams/acme', { name: 'Changed' });
      await admin('DELETE', '/admin/teams/acme/tokens/tok_1');
      await admin('DELETE', '/admin/teams/acme/users/bob');
    });
    expect(first).toMatch(/"exported_at":"2026-02-01T00:00:00\.000Z".*the store was empty.*has come back/);
    expect(first.indexOf('the store was empty')).toBeLessThan(first.indexOf('"listening"'));

    const second = await during(env, async (_, admin) => {
      expect((await admin('GET', '/admin/teams/acme')).body).toMatchObject({ name: 'Changed' });
      expect((await admin('GET', '/admin/teams/acme/users/bob')).status).toBe(404);
      for (const id of ['tok_1', 'tok_2']) {
        const { body } = await admin('GET', `/admin/teams/acme/tokens/${id}`);
        expect(body['revoked_at']).not.toBeNull();
      }
    });
    expect(second).not.toMatch(/IDENTITY_FILE:|from IDENTITY_FILE/);

    const more = { ...document, users: [...(document['users'] as JsonObject[]), userRow('new')] };
    const third = await during(await environment(redis, await fileOf(more)), async (_, admin, said) => {
      expect((await admin('GET', '/admin/teams/acme/users/new')).status).toBe(200);
      expect((await admin('GET', '/admin/teams/acme/users/bob')).status).toBe(404);
      expect(said()).toMatch(/"added":1,.*came from IDENTITY_FILE/);
      await redis.restart();
      const back = async (): Promise<boolean> =>
        (await admin('GET', '/admin/teams/acme/users/bob')).status === 200;
      await waitFor(back, { what: 'the user to be back', timeoutMs: 30_000 });
    });
    expect(third).toContain('the store was empty');
  });

  it('is loaded once by processes that start at once', async () => {
    const redis = await redisServer();
    const env = await environment(redis, await fileOf(largeDocument(1_000)));
    const said = await Promise.all([
      during(env, () => Promise.resolve()),
      during({ ...env, WEB_CONCURRENCY: '2' }, async (_, admin, logged) => {
        expect((await admin('GET', '/admin/export')).body['tokens']).toHaveLength(1_000);
        // Told once the server has answered what it was asked: not before the process listens.
        await waitFor(() => logged().includes('does not persist'), { what: 'the warning in the log' });
      }),
    ]);
    expect(said.join('').match(/the store was empty/g)).toHaveLength(1);
    expect(said[1].match(/the store does not persist/g)).toHaveLength(1);
  });

  it('waits for a store that is not there, listening meanwhile', async () => {
    const port = await freePort();
    const redis = await redisServer();
    await redis.kill();
    const env = {
      ...(await environment(redis, await fileOf(documentOf()))),
      PORT: String(port),
      HOST: '127.0.0.1',
    };
    const gateway = launch({ entry: 'src/main.ts', env });
    endings.push(() => gateway.stop('SIGKILL'));
    const url = `http://127.0.0.1:${port}`;
    const alive = async (): Promise<boolean> => (await get(`${url}/healthz`)).status === 200;
    await waitFor(alive, { what: 'the gateway to listen', timeoutMs: 60_000 });
    const said = (): boolean => gateway.stdout().includes('IDENTITY_FILE is not loaded yet');
    await waitFor(said, { what: 'a word in the log' });
    await redis.restart();
    await waitFor(async () => (await get(`${url}/readyz`)).status === 200, {
      what: 'readiness',
      timeoutMs: 30_000,
    });
    expect((await administrationOf(url, adminKey).admin('GET', '/admin/teams/acme')).status).toBe(200);
  });

  it('that has problems is told, with all other problems, and the process ends with 1', async () => {
    const redis = await redisServer();
    const document = documentOf({ users: [userRow('Ana')], tokens: [tokenRow('tok 1')] });
    const env = await environment(redis, await fileOf(document));
    const program: Program = launch({ entry: 'src/main.ts', env: { ...env, PORT: 'x' } });
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(program.stderr()).toMatch(
      /^PORT: .*\nIDENTITY_FILE: users\.0\.id must be .*\nIDENTITY_FILE: tokens\.0\.id must be /,
    );
    expect(await redis.command('DBSIZE')).toBe(0);
  });

  it('that is not there, or is no JSON, is told too', async () => {
    expect(await readIdentityFile('/nowhere/identities.json')).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^IDENTITY_FILE: expected the path of a readable file/)],
    });
    expect(await readIdentityFile(await fileOf('{'))).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^IDENTITY_FILE: The document must be a JSON object/)],
    });
  });
});
