import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { bodies, errorOf, get, open, paths, post, readStream } from '../../support/gateway-client.ts';
import type { IssuedToken } from '../../support/gateway.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import { rotateToken } from '../../support/rotation.ts';
import { mintSession } from '../../support/sessions.ts';
import { waitFor } from '../../support/wait-for.ts';
import { countingLimits, openStream, startSite, type Site } from './site.ts';

/* A store that really is full: `maxmemory` reached, `noeviction`, as Heroku's smallest is by default. */

const filler = 'something-else';
const fillerBytes = 2_000_000;

let redis: RedisServer;
let site: Site;

beforeAll(async () => {
  redis = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] });
  site = await startSite({ redis, leaseMs: 3_000 });
});

afterAll(async () => {
  await site.close();
  await redis.stop();
});

/** Fills it with what is not the gateway's: over the brim, since connections that come and go take and free a little. */
async function fill(): Promise<void> {
  await redis.command('SET', filler, 'x'.repeat(fillerBytes));
  const [, usedBytes] = /used_memory:(\d+)/.exec(String(await redis.command('INFO', 'memory'))) ?? [];
  await redis.command('CONFIG', 'SET', 'maxmemory', Number(usedBytes) - fillerBytes / 2);
}

async function makeRoom(): Promise<void> {
  await redis.command('DEL', filler);
}

/** Streams that end when they are told to. */
function slowStreams(): { finish: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  site.upstream.script(async (_request, response, body) => {
    if (!(body as { stream?: boolean }).stream) return false;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(messageFrame({ choices: [{ delta: { content: 'first' } }] }));
    await promise;
    const usage = { prompt_tokens: 3, completion_tokens: 2 };
    response.end(messageFrame({ choices: [], usage }) + doneFrame);
    return true;
  });
  return { finish: resolve };
}

/** A token, a secret that was rotated and still works, a session, and an administrator's token. */
async function leakedCredentials(): Promise<string[]> {
  const { witness } = site;
  const [token, rotated] = [await witness.issue(), await witness.issue()];
  await rotateToken(witness, rotated, 3_600);
  const { token: session } = await mintSession(witness.url, (await witness.issue()).text);
  const { body } = await witness.admin('POST', '/admin/admins', { role: 'admin' });
  return [token.text, rotated.text, session, String(body['token'])];
}

const call = ({ text }: IssuedToken): ReturnType<typeof post> =>
  post(`${site.witness.url}${paths.chat}`, bodies.chat(), { token: text });

describe('a store that is full', () => {
  it('admits nothing, yet settles, closes what the dead left, narrows, revokes and deletes; and admits again with room', async () => {
    const { witness } = site;
    const token = await witness.issue({ team: { limits: countingLimits } });
    const revoked = await witness.issue({ team: { id: token.team } });
    const doomed = await witness.issue();
    const leaked = await leakedCredentials();
    const { finish } = slowStreams();
    const stream = await openStream(witness, token);
    const keyed = { token: token.text, headers: { 'idempotency-key': 'k' } };
    const streamed = bodies.chat({ stream: true });
    const kept = readStream(await open(`${witness.url}${paths.chat}`, streamed, keyed));
    const dying = await site.spawn();
    await openStream(dying, token);

    await fill();
    const refused = await call(token);
    expect([refused.status, errorOf(refused).code]).toEqual([503, 'store_unavailable']);
    expect(witness.log()).toContain('OOM');
    expect((await get(`${witness.url}/v1/me`, { token: token.text })).status).toBe(200);
    const unmade = await witness.admin('POST', '/admin/teams', { id: 'one-more' });
    expect(unmade).toMatchObject({
      status: 503,
      body: { error: { message: expect.stringMatching(/full.*not made/) as string } },
    });

    const tokenPath = `/admin/teams/${revoked.team}/tokens/${revoked.id}`;
    for (const [path, wider] of [
      [tokenPath, { name: 'renamed' }],
      [`/admin/teams/${token.team}`, { limits: [] }],
    ] as const) {
      const { status, body } = await witness.admin('PATCH', path, wider);
      expect([status, JSON.stringify(body)]).toEqual([503, expect.stringContaining('The store is full.')]);
    }
    // Though the uses of secrets cannot be written down now.
    expect((await witness.admin('PATCH', tokenPath, { models: [] })).status).toBe(200);
    expect((await witness.admin('GET', `/admin/teams/${revoked.team}/tokens`)).status).toBe(200);
    expect((await witness.admin('DELETE', tokenPath)).status).toBe(204);
    expect(errorOf(await call(revoked)).code).toBe('revoked_token');
    expect((await witness.admin('DELETE', `/admin/teams/${doomed.team}`)).status).toBe(204);
    expect((await call(doomed)).status).toBe(401);
    const reported = await post(
      `${witness.url}/leaks`,
      leaked.map((each) => ({ token: each })),
    );
    expect(reported.json).toEqual(leaked.map(() => expect.objectContaining({ label: 'true_positive' })));
    for (const each of leaked) {
      expect(
        (await get(`${witness.url}/${each.startsWith('tga_') ? 'admin/teams' : 'v1/me'}`, { token: each }))
          .status,
      ).toBe(401);
    }

    dying.kill('SIGKILL');
    finish();
    expect(await stream.rest()).toBe('clean');
    expect(await kept.rest()).toBe('clean');
    const entries = await witness.settled(token.team, 3, 20_000);
    expect(entries.map(({ outcome }) => outcome).sort()).toEqual(['lost', 'ok', 'ok']);

    await makeRoom();
    await waitFor(async () => (await call(token)).status === 200, { what: 'an answer' });
    await witness.settled(token.team, 4);
    expect(await site.used(token)).toMatchObject({ requests: 4, concurrency: 0 });
    // An answer had no room; that the call was made is known.
    expect(errorOf(await post(`${witness.url}${paths.chat}`, streamed, keyed)).code).toBe(
      'replay_unavailable',
    );
    await waitFor(async () => (await site.traces()).open === 0, { what: 'nothing to be open' });
  });

  it('is not filled by a team-admin who changes and makes what it may, as fast as it may', async () => {
    const { witness } = site;
    const honest = await witness.issue();
    const hostile = await witness.issue();
    const { body: made } = await witness.admin('POST', '/admin/admins', {
      role: 'team-admin',
      teams: [hostile.team],
    });
    const [, usedBytes] = /used_memory:(\d+)/.exec(String(await redis.command('INFO', 'memory'))) ?? [];
    const before = Number(usedBytes);
    await redis.command('CONFIG', 'SET', 'maxmemory', before + 3_000_000);

    const at = `${witness.url}/admin/teams/${hostile.team}/tokens`;
    const ask = async (method: string, path: string, body: object): Promise<number> => {
      const headers = { authorization: `Bearer ${String(made['token'])}` };
      const answer = await fetch(at + path, { method, headers, body: JSON.stringify(body) });
      await answer.arrayBuffer();
      return answer.status;
    };
    const models = (n: number): string[] =>
      Array.from({ length: 58 }, (_, i) => `${n}-${i}-${'x'.repeat(115)}`);
    const statuses = new Set<number>();
    for (let n = 0; n < 100; n += 1) {
      statuses.add(await ask('PATCH', `/${hostile.id}`, { models: models(n) }));
      statuses.add(await ask('POST', '', { user: hostile.user, models: models(n) }));
    }
    expect(
      await ask('PATCH', `/${hostile.id}`, {
        limits: [{ metric: 'concurrency', max: 1, models: [...models(1), 'm'] }],
      }),
    ).toBe(429);
    expect(statuses).toEqual(new Set([200, 201, 429]));
    expect((await call(honest)).status).toBe(200);
    expect((await witness.admin('POST', '/admin/teams', { id: 'one-more' })).status).toBe(201);
    await redis.command('CONFIG', 'SET', 'maxmemory', 0);
  });
});
