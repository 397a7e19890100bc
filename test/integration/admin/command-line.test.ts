import { once } from 'node:events';
import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { serve, type ServerType } from '@hono/node-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adminApp } from '../../../src/admin/admin-app.ts';
import { adminKeyCheck } from '../../../src/auth/admin-key.ts';
import { Authenticator } from '../../../src/auth/authenticator.ts';
import { RedisIdentityStore } from '../../../src/auth/redis-identity-store.ts';
import { RedisSecretStore } from '../../../src/auth/redis-secret-store.ts';
import { hashToken, mintToken, randomBase62 } from '../../../src/auth/token-text.ts';
import { ClaimLinks } from '../../../src/claims/claim-links.ts';
import { RedisClaimStore } from '../../../src/claims/redis-claim-store.ts';
import { run } from '../../../src/cli/run.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { keysUnder } from '../../../src/core/keys.ts';
import { RedisStore } from '../../../src/core/redis.ts';
import { RedisLedger } from '../../../src/ledger/redis-ledger.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import { adminKey } from './harness.ts';
import { identityBehind } from '../../support/identity-behind.ts';

let redis: RedisServer;
let store: RedisStore;
let identities: RedisIdentityStore;
let gateway: ServerType;
let environments: Record<'over HTTP' | 'on Redis', NodeJS.ProcessEnv>;

beforeAll(async () => {
  redis = await startRedis();
  store = new RedisStore({ url: redis.url, verifyTls: false, commandTimeoutMs: 5_000 });
  store.connect();
  await store.whenReady(5_000);
  const keys = keysUnder('cli:');
  identities = new RedisIdentityStore(store, keys);
  const secrets = new RedisSecretStore(store, keys);
  const app = adminApp({
    identities,
    secrets,
    lastUses: (team, tokens) => secrets.lastUses(team, tokens),
    claims: new ClaimLinks({
      store: new RedisClaimStore(store, keys),
      origin: (host = '') => `http://${host}`,
    }),
    ledger: new RedisLedger(store, keys),
    clock: systemClock,
    mint: () => mintToken('user'),
    randomId: () => randomBase62(16),
    authorize: adminKeyCheck(adminKey, new Authenticator({ identities, clock: systemClock })),
    endpointPaths: ['/v1/chat/completions'],
    requestId: () => 'request-id-of-20-chars',
    onError: (error) => {
      throw error;
    },
  });
  gateway = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(gateway, 'listening');
  const { port } = gateway.address() as AddressInfo;
  environments = {
    'over HTTP': { TOLLGATE_URL: `http://127.0.0.1:${port}/`, ADMIN_KEY: adminKey },
    'on Redis': { REDIS_URL: redis.url, REDIS_PREFIX: 'cli:' },
  };
});

afterAll(async () => {
  gateway.close();
  await once(gateway, 'close');
  store.close();
  await redis.stop();
});

beforeEach(() => redis.flush());

interface Result {
  code: number;
  out: string;
  err: string;
}

async function tollgate(line: string, env: NodeJS.ProcessEnv): Promise<Result> {
  const written = { out: [] as string[], err: [] as string[] };
  const code = await run(line.split(' '), env, {
    out: (text) => written.out.push(text),
    err: (text) => written.err.push(text),
  });
  return { code, out: written.out.join('\n'), err: written.err.join('\n') };
}

describe.each(['over HTTP', 'on Redis'] as const)('tollgate %s', (way) => {
  const command = (line: string): Promise<Result> => tollgate(line, environments[way]);

  it('makes a team, a user and a token that works', async () => {
    expect(await command('team create acme --limit tokens/day=100000 --limit concurrency=5')).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^id +acme\n[^]*limits +tokens\/day=100000, concurrency=5\n/) as string,
    });
    expect((await command('user create acme ana --email ana@example.com')).code).toBe(0);
    const issued = await command(
      'token issue acme ana --expires 90d --model m --origin none --endpoint /v1/chat/completions --tool t',
    );
    expect(issued.code).toBe(0);
    expect(issued.err).toMatch(/shown this once/);
    const text = /^token +(tgk_\w+)$/m.exec(issued.out)?.[1] ?? '';
    const identity = await identityBehind(identities, hashToken(text));
    expect(identity).toMatchObject({
      user: { id: 'ana', email: 'ana@example.com' },
      token: { models: ['m'], origins: ['none'], endpoints: ['/v1/chat/completions'], tools: ['t'] },
    });
    const days = (Date.parse(identity?.token.expires_at ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.9);
    expect(days).toBeLessThanOrEqual(90);
  });

  it('lists, shows, changes and revokes', async () => {
    await command('team create acme');
    await command('user create acme ana');
    const issued = await command('token issue acme ana --json');
    const { id, token } = JSON.parse(issued.out) as { id: string; token: string };
    expect(issued.err).toBe('');

    const changed = await command(`token set acme ${id} --limit requests/minute=1@m --name laptop`);
    expect(changed.out).toMatch(/^limits +requests\/minute=1@m$/m);
    expect((await command(`token set acme ${id} --clear limits --clear name`)).out).toMatch(
      /^limits +none$/m,
    );
    expect((await command('team set acme --name Acme --model m')).out).toMatch(/^models +m$/m);
    expect((await command('user set acme ana --name Ana')).out).toMatch(/^name +Ana$/m);

    expect((await command(`token revoke acme ${id}`)).out).toBe(`Revoked the token ${id}.`);
    expect((await identityBehind(identities, hashToken(token)))?.token.revoked_at).not.toBeNull();
    const listed = await command('token list acme');
    expect(listed.out).toMatch(
      new RegExp(`^TOKEN .*REVOKED\\n${id} +ana .* \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d$`),
    );
    expect(listed.out).not.toContain(token);
    expect((await command(`token show acme ${id}`)).out).not.toContain(token);

    expect((await command('user list acme')).out).toMatch(/^USER .*\nana +Ana /);
    expect((await command('user show acme ana')).code).toBe(0);
    expect((await command('user delete acme ana')).code).toBe(0);
    expect((await command('user list acme')).out).toBe('None.');
    expect((await command('team list')).out).toMatch(/^TEAM .*\nacme +Acme /);
    expect((await command('team show acme')).code).toBe(0);
    expect((await command('team delete acme')).out).toBe('Deleted the team acme.');
    expect(JSON.parse((await command('team list --json')).out)).toEqual({ data: [] });
  });

  it('rotates a token, and hands tokens over by a link', async () => {
    await command('team create acme');
    await command('user create acme ana');
    const issued = await command('token issue acme ana --json');
    const { id, token } = JSON.parse(issued.out) as { id: string; token: string };
    const rotated = await command(`token rotate acme ${id} --overlap 7d`);
    expect(rotated.err).toMatch(/shown this once/);
    const text = /^token +(tgk_\w+)$/m.exec(rotated.out)?.[1] ?? '';
    const secrets = new RegExp(
      `^secrets +${text.slice(0, 12)}… \\(not used\\), ${token.slice(0, 12)}… until \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d \\(not used\\)$`,
      'm',
    );
    expect(rotated.out).toMatch(secrets);
    expect((await command(`token show acme ${id}`)).out).toMatch(secrets);
    for (const each of [token, text]) {
      expect((await identityBehind(identities, hashToken(each)))?.token.id).toBe(id);
    }
    const old = (await identityBehind(identities, hashToken(text)))?.token.secrets?.[1]?.expires_at ?? '';
    expect(Math.abs(Date.parse(old) - Date.now() - 7 * 86_400_000)).toBeLessThan(60_000);

    const link = way === 'over HTTP' ? 'http://127\\.0\\.0\\.1:\\d+/claim/' : '/claim/';
    for (const line of ['token issue acme ana --claim', `token rotate acme ${id} --claim --overlap 0`]) {
      const made = await command(line);
      expect(made.out).toMatch(new RegExp(`^claim_url +${link}[0-9a-f]{40}$`, 'm'));
      expect(made.out).not.toMatch(/tgk_\w{13}/);
      expect(made.err).toMatch(/shows the token once/);
      expect(made.err.includes("Put your gateway's address")).toBe(way === 'on Redis');
    }
  });

  it('reports usage and requests', async () => {
    const total = await command('usage');
    expect(total.out).toMatch(/^REQUESTS +INPUT TOKENS .*COST USD\n +0 +0 /);
    expect(await command('usage acme --by user,day --from 2026-01-01 --to 2026-01-31')).toMatchObject({
      code: 0,
      out: 'None.',
    });
    expect(await command('requests acme --user ana --outcome ok --limit 5')).toMatchObject({
      code: 0,
      out: 'None.',
    });
    expect(JSON.parse((await command('requests --json')).out)).toEqual({ data: [], next_cursor: null });
  });

  it('says on stderr what went wrong, every problem of it, and exits with 1', async () => {
    expect(await command('team show acme')).toEqual({ code: 1, out: '', err: 'There is no team acme.' });
    const wrong = await command('team create Acme --model a* --name x');
    expect([wrong.code, wrong.out]).toEqual([1, '']);
    expect(wrong.err.split('\n')).toEqual([
      expect.stringMatching(/^id must be/),
      expect.stringMatching(/^models\.0 must be/),
    ]);
    expect((await command('usage --by cat')).err).toMatch(/^group_by must be/);
  });
});

describe('tollgate', () => {
  it.each([
    'team create',
    'team create acme --limit tokens=1',
    'team set acme --clear everything',
    'token issue acme ana --expires soon',
    'token rotate acme tok_1 --overlap soon',
    'bogus',
    'team list too many',
    'team list --bogus',
  ])('exits with 2 for "%s", without asking anybody', async (line) => {
    const result = await tollgate(line, {});
    expect([result.code, result.out]).toEqual([2, '']);
    expect(result.err).toMatch(/^error: /);
  });

  it('exits with 0 for --help', async () => {
    const result = await tollgate('token issue --help', {});
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).toContain('--expires <when>');
  });

  const nowhere = 'http://127.0.0.1:1';
  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['nothing is set', {}, /^Where is the gateway\? Set TOLLGATE_URL and ADMIN_KEY, or REDIS_URL/],
    ['the key is missing', { TOLLGATE_URL: nowhere }, /ADMIN_KEY is not/],
    [
      'nobody listens',
      { TOLLGATE_URL: nowhere, ADMIN_KEY: adminKey },
      /^http:\/\/127\.0\.0\.1:1 cannot be reached/,
    ],
    ['the URL is none', { TOLLGATE_URL: 'gateway', ADMIN_KEY: adminKey }, /TOLLGATE_URL must be a URL/],
    [
      'the URL has credentials',
      { TOLLGATE_URL: 'http://u:secret-1@127.0.0.1:1', ADMIN_KEY: adminKey },
      /TOLLGATE_URL must be a URL/,
    ],
    ['the key breaks a header', { TOLLGATE_URL: nowhere, ADMIN_KEY: `${adminKey}\nx` }, /ADMIN_KEY must be/],
    ['the Redis URL is none', { REDIS_URL: 'http://u:secret-1@h' }, /^REDIS_URL: expected/],
  ])('exits with 1 and says why when %s', async (_, env, message) => {
    const result = await tollgate('team list', env);
    expect([result.code, result.out]).toEqual([1, '']);
    expect(result.err).toMatch(message);
    expect(result.err).not.toContain(adminKey);
    expect(result.err).not.toContain('secret-1');
  });

  it('exits with 1 when the key is wrong, without showing it', async () => {
    const wrong = 'wrong-administrator-key-of-40-characters';
    const result = await tollgate('team list', { ...environments['over HTTP'], ADMIN_KEY: wrong });
    expect(result.code).toBe(1);
    expect(result.err).toMatch(/not the administrator key/);
    expect(result.err).not.toContain(wrong);
  });

  it('runs as a program and ends by itself', async () => {
    const program = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
    for (const env of Object.values(environments)) {
      const { stdout } = await promisify(execFile)(process.execPath, [program, 'team', 'list', '--json'], {
        env: { PATH: process.env['PATH'], ...env },
        timeout: 15_000,
      });
      expect(JSON.parse(stdout)).toEqual({ data: [] });
    }
  });
});
