import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as allOf } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeEntry } from '../../../src/ledger/entry-text.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import { settlementOf } from '../../../src/limits/settlement.ts';
import { exampleDocument, spawnTollgate, tollgate, type Result } from '../../support/command-line.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedRedis, startRedis, type SharedRedis } from '../../support/redis-server.ts';
import { grantOf, openRequest, outcomeOf } from '../../unit/limits/samples.ts';

let redis: SharedRedis;
let gateway: TestGateway;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis });
  env = { TOLLGATE_URL: gateway.url, ADMIN_KEY: gateway.adminKey };
});

afterAll(async () => {
  await gateway.close();
});

beforeEach(async () => {
  await redis.flush();
  expect((await gateway.admin('POST', '/admin/import', exampleDocument())).status).toBe(200);
});

const command = (line: string, answer?: string): Promise<Result> =>
  tollgate(line, env, answer === undefined ? undefined : () => answer);
const statusOf = async (path: string): Promise<number> =>
  (await gateway.admin('GET', `/admin/${path}`)).status;

const token = 'teams/acme/tokens/tok_4fJ2mQ9sXbVe';
const destructive: [line: string, path: string, loss: RegExp, gone: (path: string) => Promise<boolean>][] = [
  ['team delete acme', 'teams/acme', /^This deletes the team acme, 1 user and 1 working token\.$/m, isGone],
  [
    'user delete acme ana',
    'teams/acme/users/ana',
    /^This deletes the user ana of acme and revokes 1 working token\.$/m,
    isGone,
  ],
  ['admin revoke adm_8sKw3TzPq1Ln', 'admins/adm_8sKw3TzPq1Ln', /This revokes .* \(auditor, -\)/, isGone],
  [
    'webhook delete wh_6GdnS1xP4kRa',
    'webhooks/wh_6GdnS1xP4kRa',
    /^This deletes the webhook wh_6GdnS1xP4kRa \(https:\/\/hooks\.example\.com\); 0 events wait/m,
    isGone,
  ],
  ['token rotate acme tok_4fJ2mQ9sXbVe --overlap 0', token, /stops working at once/, isRotated],
];

async function isGone(path: string): Promise<boolean> {
  return (await statusOf(path)) === 404;
}

async function isRotated(path: string): Promise<boolean> {
  const { secrets } = (await gateway.admin('GET', `/admin/${path}`)).body as { secrets: object[] };
  return secrets.length > 1;
}

describe('what cannot be taken back', () => {
  it.each(destructive)(
    'is asked about at a terminal, with what will be lost: %s',
    async (line, path, loss, gone) => {
      for (const answer of ['', 'no', 'y']) {
        const refused = await command(line, answer);
        expect(refused).toEqual({ code: 1, out: '', err: 'Nothing was changed.' });
        expect(await gone(path)).toBe(false);
      }
      let asked = '';
      const done = await tollgate(line, env, (question) => {
        asked = question;
        return 'yes';
      });
      expect([done.code, await gone(path)]).toEqual([0, true]);
      expect(asked).toMatch(loss);
    },
  );

  it.each(destructive)(
    'needs --yes where nobody can be asked, and then asks nobody: %s',
    async (line, path, _, gone) => {
      const refused = await command(line);
      expect(refused).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringContaining('add --yes') as string,
      });
      expect(await gone(path)).toBe(false);
      const asked: string[] = [];
      const done = await tollgate(`${line} --yes`, env, (question) => String(asked.push(question)));
      expect([done.code, asked, await gone(path)]).toEqual([0, [], true]);
    },
  );

  it('is asked about before a list of limits drops one on money, and only then', async () => {
    const asked: string[] = [];
    const answering = (answer: string) => (question: string) => {
      asked.push(question);
      return answer;
    };
    const set = (words: string, answer?: string): Promise<Result> =>
      tollgate(`team set acme ${words}`, env, answer === undefined ? undefined : answering(answer));
    const money = async (): Promise<boolean> =>
      JSON.stringify((await gateway.admin('GET', '/admin/teams/acme')).body).includes('cost_usd');
    expect((await set('--limit cost_usd/month=50 --limit requests/day=5')).code).toBe(0);
    expect((await set('--limit cost_usd/month=60 --name Acme', 'no')).code).toBe(0);
    expect(asked).toEqual([]);

    const nobody = await set('--limit requests/day=7');
    expect([nobody.code, await money()]).toEqual([2, true]);
    expect(nobody.err).toMatch(/add --yes\.\nIt would drop cost_usd\/month=60; --add-limit/);
    for (const words of ['--limit requests/day=7', '--clear limits', '--empty limits']) {
      expect((await set(words, 'no')).code).toBe(1);
      expect(asked.pop()).toMatch(/^The new list drops cost_usd\/month=60, and with it what is used of it\./);
    }
    expect(await money()).toBe(true);
    expect((await set('--limit requests/day=7', 'yes')).code).toBe(0);
    expect(await money()).toBe(false);
    await set('--limit cost_usd/month=50');
    expect((await set('--clear limits --yes')).code).toBe(0);
    expect(await money()).toBe(false);
  });

  it('is asked about before tokens are purged, with how many there are', async () => {
    const line = 'token purge acme --ended-before 2099-01-01';
    await command('token revoke acme tok_4fJ2mQ9sXbVe');
    expect(await command(line)).toMatchObject({ code: 2, out: '' });
    expect(await command(line, 'no')).toMatchObject({ code: 1, out: '' });
    expect(await isGone(token)).toBe(false);
    let asked = '';
    const done = await tollgate(line, env, (question) => {
      asked = question;
      return 'yes';
    });
    expect([done.code, await isGone(token)]).toEqual([0, true]);
    expect(asked).toMatch(/^This deletes 1 token of acme that ended before/);
  });

  it('is done without a terminal where a token is revoked, which must not wait for a flag', async () => {
    expect(await command('token revoke acme tok_4fJ2mQ9sXbVe', 'no')).toMatchObject({ code: 1 });
    expect(await command('token revoke acme tok_4fJ2mQ9sXbVe')).toMatchObject({ code: 0 });
    expect((await gateway.admin('GET', `/admin/${token}`)).body['revoked_at']).not.toBeNull();
  });

  it.each(['over HTTP', 'on Redis'] as const)(
    'is not done to a record that changes while the question stands, %s',
    async (way) => {
      const environment = way === 'over HTTP' ? env : { REDIS_URL: redis.url };
      const result = await tollgate('team delete acme', environment, async () => {
        await gateway.admin('PATCH', '/admin/teams/acme', { name: 'Changed' });
        return 'yes';
      });
      expect(result).toMatchObject({
        code: 1,
        err: expect.stringMatching(/\(precondition_failed\)\n.*try again/) as string,
      });
      expect(await statusOf('teams/acme')).toBe(200);
    },
  );

  it('is a 404 before anything is asked', async () => {
    const result = await tollgate('team delete gone', env, () => {
      throw new Error('asked');
    });
    expect(result).toMatchObject({ code: 1, err: expect.stringContaining('(not_found)') as string });
  });
});

describe('--json', () => {
  it.each([
    'team create beta',
    'team list',
    'team show acme',
    'team set acme --empty models',
    'team suspend acme',
    'team delete acme --yes',
    'user create acme bob --issuer https://idp.example --subject 42',
    'user delete acme ana --yes',
    'token issue acme ana --claim --max-session-body 1000',
    'token list acme',
    'token list acme --limit 1',
    'token find --team acme',
    'token purge acme --ended-before 90d --yes',
    'token rotate acme tok_4fJ2mQ9sXbVe --overlap 0 --yes',
    'token revoke acme tok_4fJ2mQ9sXbVe',
    'prices',
    'prices set nova-lite --input 1 --output 2',
    'prices clear nova-lite',
    'overview',
    'upstreams',
    'settings show',
    'settings set --token-limit requests/day=5 --clear user-limits',
    'usage',
    'refusals',
    'requests --session ses_1 --end-user visitor-1',
    'admin create --role auditor',
    'admin list',
    'admin revoke adm_8sKw3TzPq1Ln --yes',
    'export',
  ])('prints one JSON value and nothing else: %s', async (line) => {
    const { code, out, err } = await command(`${line} --json`);
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toBeTypeOf('object');
  });

  it('excludes CSV, and goes with NDJSON', async () => {
    expect(await command('usage --json --format csv')).toMatchObject({ code: 2, out: '' });
    expect(await command('usage --json --format ndjson')).toMatchObject({ code: 0, err: '' });
  });

  it('leaves stdout empty where something is wrong', async () => {
    expect(await command('team show gone --json')).toMatchObject({ code: 1, out: '' });
  });
});

describe('an exit code', () => {
  it('is 3 where the store is away, and where something else answers', async () => {
    const other = createServer((_, response) =>
      response.writeHead(503).end('<html>Application error</html>'),
    );
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const strange = await tollgate('team list', { TOLLGATE_URL: url, ADMIN_KEY: gateway.adminKey });
    expect(strange).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('TOLLGATE_URL') as string,
    });
    other.close();

    const lonely = await startRedis();
    const away = await startGateway({ redis: lonely, env: { STORE_TIMEOUT_MS: '200' } });
    await lonely.stop();
    const result = await tollgate('team list', { TOLLGATE_URL: away.url, ADMIN_KEY: away.adminKey });
    expect(result).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('(store_unavailable)') as string,
    });
    await away.close();
  });
});

describe('the program', () => {
  it('needs --yes without a terminal, and ends by itself', async () => {
    const child = spawnTollgate('team delete acme', env);
    const [err, out] = await Promise.all([allOf(child.stderr), allOf(child.stdout), once(child, 'close')]);
    expect([child.exitCode, out, err]).toEqual([2, '', expect.stringContaining('--yes')]);
  });

  it('ends quietly where whoever reads has had enough', async () => {
    const store = new RedisStore({ url: redis.url, verifyTls: false, commandTimeoutMs: 5_000 });
    store.connect();
    await store.whenReady(5_000);
    const batch = store.client.pipeline();
    for (let n = 0; n < 5_000; n += 1) {
      const { entry } = settlementOf(grantOf({ id: `g-${n}`, request: openRequest() }), outcomeOf());
      batch.xadd(keysUnder('tollgate:').entries, '*', 'e', encodeEntry(entry));
    }
    await batch.exec();
    store.close();
    const child = spawnTollgate('requests --format ndjson', env);
    const said = allOf(child.stderr);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    await once(child, 'close');
    expect([child.exitCode, child.signalCode, await said]).toEqual([0, null, '']);
  });

  it('ends quietly at Ctrl-C', async () => {
    const silent = createServer(() => {});
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const child = spawnTollgate('team list', { TOLLGATE_URL: url, ADMIN_KEY: gateway.adminKey });
    const said = Promise.all([allOf(child.stdout), allOf(child.stderr)]);
    await once(silent, 'request');
    child.kill('SIGINT');
    await once(child, 'close');
    expect([child.signalCode, await said]).toEqual(['SIGINT', ['', '']]);
    silent.closeAllConnections();
    silent.close();
  });
});
