import { once } from 'node:events';
import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serve, type ServerType } from '@hono/node-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { adminApp } from '../../../src/admin/admin-app.ts';
import { AuditTrail } from '../../../src/audit/audit-trail.ts';
import { actorCheck } from '../../../src/access/actor-check.ts';
import { Authenticator } from '../../../src/access/authenticator.ts';
import { AdministratorStore } from '../../../src/identity/store/administrator-store.ts';
import { IdentityStore } from '../../../src/identity/store/identity-store.ts';
import { hashToken, inspectToken } from '../../../src/identity/records/token-text.ts';
import { WebhookStore } from '../../../src/identity/store/webhook-store.ts';
import { deliveriesOf } from '../../../src/webhooks/webhooks.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { startReceiver } from '../../support/webhook-receiver.ts';
import { PriceStore } from '../../../src/identity/store/price-store.ts';
import { SecretStore } from '../../../src/identity/store/secret-store.ts';
import { countersIn } from '../../../src/limits/counters.ts';
import { ClaimLinks, linkUse } from '../../../src/claims/claim-links.ts';
import { ClaimStore } from '../../../src/claims/claim-store.ts';
import { IdentityArchive } from '../../../src/identity/store/identity-archive.ts';
import { Backup } from '../../../src/backup/backup.ts';
import { run } from '../../../src/cli/run.ts';
import { type Catalogue, loadCatalogue } from '../../../src/config/catalogue.ts';
import { modelsFileOf } from '../../../src/config/environment.ts';
import { loadIssuers } from '../../../src/config/issuers.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { dayOf } from '../../../src/base/days.ts';
import { encodeEntry } from '../../../src/ledger/entry-text.ts';
import { encodeTotalsRow } from '../../../src/ledger/totals.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import { auditContexts } from '../../../src/audit/context.ts';
import { LedgerReader } from '../../../src/ledger/ledger-reader.ts';
import { RecordsView } from '../../../src/records/records-view.ts';
import { RefusalStore } from '../../../src/ledger/refusal-store.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { adminKey } from './harness.ts';
import { settlementOf } from '../../../src/limits/settlement.ts';
import { version } from '../../../src/operations/version.ts';
import { grantOf, openRequest, outcomeOf } from '../../unit/limits/samples.ts';
import { identityBehind } from '../../support/identity-behind.ts';
import { compiledAhead } from '../../support/spawn-gateway.ts';

const trustedFile = JSON.stringify({
  issuers: [
    { issuer: 'https://a.example', audience: 'app', team: 'acme' },
    {
      issuer: 'https://b.example',
      audience: 'app',
      team: { claim: 'hd', teams: { 'b.example': 'beta' } },
      public: false,
      users: 'create',
      console: {
        client_id: 'console',
        roles: [{ claim: 'groups', values: ['boss'], role: 'team-admin', teams: ['acme', 'beta'] }],
      },
    },
  ],
});
/** What of the tests receives. */
const privateHosts = new Set(['127.0.0.1']);

let redis: SharedRedis;
let store: RedisStore;
let identities: IdentityStore;
let gateway: ServerType;
let directory: string;
let environments: Record<'over HTTP' | 'on Redis', NodeJS.ProcessEnv>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tollgate-cli-'));
  redis = await sharedRedis();
  store = new RedisStore({ url: redis.url, verifyTls: false, commandTimeoutMs: 5_000 });
  store.connect();
  await store.whenReady(5_000);
  const keys = keysUnder('cli:');
  const audit = new AuditTrail(store, keys, { log: { info: () => {} }, clock: systemClock });
  identities = new IdentityStore(store, keys, audit);
  const administrators = new AdministratorStore(store, keys, audit);
  const secrets = new SecretStore(store, keys, audit);
  const issuersFile = join(directory, 'issuers.json');
  await writeFile(issuersFile, trustedFile);
  const trusted = loadIssuers(issuersFile);
  const app = adminApp({
    identities,
    administrators,
    secrets,
    lastUses: (team, tokens) => secrets.lastUses(team, tokens),
    counters: countersIn(store, keys),
    issuers: trusted.ok ? trusted.issuers : [],
    origin: (host = '') => `http://${host}`,
    claims: new ClaimLinks({
      store: new ClaimStore(store, keys, audit),
      origin: (host = '') => `http://${host}`,
      note: (event, of) => secrets.noteUses([linkUse(event, of, Date.now())]),
    }),
    prices: new PriceStore(store, keys, audit),
    webhooks: new WebhookStore(store, keys, audit),
    deliveries: deliveriesOf({
      store,
      keys,
      changes: audit,
      privateHosts,
      version: '0',
      storeNowMs: () => systemClock.now(),
      clock: systemClock,
    }),
    webhookPrivateHosts: privateHosts,
    note: (change) => audit.note(change),
    catalogue: catalogueOfThisVersion(),
    pricesChanged: () => Promise.resolve(),
    storeNowMs: async () => systemClock.now(),
    ledger: new LedgerReader(store, keys),
    serving: null,
    recordsView: new RecordsView({ store, keys, seam: null }),
    backup: new Backup({ archive: new IdentityArchive(store, keys, audit), clock: systemClock }),
    erase: null,
    audit,
    auditContextOf: auditContexts({ onDyno: false }),
    clock: systemClock,
    models: { serves: () => true, isPriced: (model) => model !== 'unpriced', all: () => [] },
    budget: null,
    pace: null,
    authorize: actorCheck({
      adminKey,
      administrators,
      authenticator: new Authenticator({ identities, clock: systemClock }),
    }),
    onError: (error) => {
      throw error;
    },
  });
  // Other files of this worker need the global Response as it is.
  gateway = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', overrideGlobalObjects: false });
  await once(gateway, 'listening');
  const { port } = gateway.address() as AddressInfo;
  environments = {
    'over HTTP': { TOLLGATE_URL: `http://127.0.0.1:${port}/`, ADMIN_KEY: adminKey },
    'on Redis': {
      REDIS_URL: redis.url,
      REDIS_PREFIX: 'cli:',
      ISSUERS_FILE: issuersFile,
      WEBHOOK_PRIVATE_HOSTS: '127.0.0.1',
    },
  };
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  gateway.close();
  await once(gateway, 'close');
  store.close();
});

function catalogueOfThisVersion(): Catalogue {
  const loaded = loadCatalogue(modelsFileOf({}));
  if (!loaded.ok) throw new Error(loaded.problems.join(' '));
  return loaded.catalogue;
}

beforeEach(() => redis.flush());

/** 2,500 requests of acme's ana, a row of today's totals, and a dozen refusals. */
async function fillReports(): Promise<void> {
  const keys = keysUnder('cli:');
  const batch = store.client.pipeline();
  for (let n = 0; n < 2_500; n += 1) {
    const { entry } = settlementOf(
      grantOf({ id: `cli-${n}`, request: openRequest({ model: 'a-model-with-a-name-that-is-rather-long' }) }),
      outcomeOf(),
    );
    batch.xadd(keys.entries, '*', 'e', encodeEntry(entry));
  }
  await batch.exec();
  const endpoint = '/v1/chat/completions';
  const row = encodeTotalsRow({ team: 'acme', user: 'ana', token: 'tok_4fJ2mQ9sXbVe', model: 'm', endpoint });
  const day = dayOf(Date.now());
  await store.client.hset(keys.totals(day), row, '7 8 9 0 0 0 0');
  await new RefusalStore(store, keys, { retentionDays: 92 }).add({
    process: 'p1',
    sequence: 1,
    counts: [
      {
        day,
        as: {
          team: 'acme',
          user: 'ana',
          token: 'tok_1',
          endpoint,
          code: 'insufficient_quota',
          model: null,
          limit: 'team tokens/day',
        },
        refused: 12,
        lastMs: Date.now(),
      },
    ],
  });
}

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
    const bounds = '--tool t --origin none --endpoint /v1/chat/completions';
    const create = `team create acme --limit tokens/day=100000 --limit concurrency=5 ${bounds}`;
    expect(await command(create)).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^id +acme\n[^]*limits +tokens\/day=100000, concurrency=5\n/) as string,
    });
    expect((await command('user create acme ana --email ana@example.com')).code).toBe(0);
    const issued = await command(
      'token issue acme ana --expires 90d --model m --origin none --endpoint /v1/chat/completions --tool t --session-proof nonce',
    );
    expect(issued.code).toBe(0);
    expect(issued.err).toMatch(/shown only once/);
    const text = /^token +(tgk_\w+)$/m.exec(issued.out)?.[1] ?? '';
    const identity = await identityBehind(identities, hashToken(text));
    expect(identity).toMatchObject({
      user: { id: 'ana', email: 'ana@example.com' },
      token: {
        models: ['m'],
        origins: ['none'],
        endpoints: ['/v1/chat/completions'],
        tools: ['t'],
        session_proof: 'nonce',
      },
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

    const { out: used } = await command(`token show acme ${id} --usage`);
    expect(used).toMatch(/^user +ana$/m);
    expect(used).not.toMatch(/^limits/m);
    await command('team set acme --limit cost_usd/month=12.5');
    expect((await command('team show acme --usage')).out).toMatch(
      /\n\nLIMIT +USED +LEFT +ALL FREE AT\ncost_usd\/month=12.5 +0 +12.5 +\d{4}-\d\d-01 00:00$/,
    );
    expect((await command('settings show --usage')).out).toMatch(/No limits\.$/);

    expect((await command(`token revoke acme ${id}`)).out).toBe(`Revoked the token ${id}.`);
    // No advice to try again what cannot be.
    expect((await command(`token set acme ${id} --name x`)).err).toMatch(
      /Issue a new one\. \(precondition_failed\)$/,
    );
    expect((await identityBehind(identities, hashToken(token)))?.token.revoked_at).not.toBeNull();
    const listed = await command('token list acme');
    expect(listed.out).toMatch(new RegExp(`^TOKEN .*REVOKED\\n${id} +ana .* \\d{4}-\\d\\d-\\d\\d$`));
    expect(listed.out).not.toContain(token);
    expect((await command(`token show acme ${id}`)).out).not.toContain(token);

    expect((await command('user list acme')).out).toBe('USER  NAME\nana   Ana');
    expect((await command('user show acme ana')).code).toBe(0);
    expect((await command('user delete acme ana --yes')).code).toBe(0);
    expect((await command('user list acme')).out).toBe('None.');
    expect((await command('team list')).out).toMatch(/^TEAM .*\nacme +Acme /);
    expect((await command('team show acme')).code).toBe(0);
    expect((await command('team delete acme --yes')).out).toBe('Deleted the team acme.');
    expect(JSON.parse((await command('team list --json')).out)).toEqual({ data: [] });
  });

  it('lists in pages, finds tokens over teams, and purges those that ended', async () => {
    for (const team of ['acme', 'beta']) {
      await command(`team create ${team}`);
      await command(`user create ${team} ana`);
    }
    const { id } = JSON.parse((await command('token issue acme ana --json')).out) as { id: string };
    await command('token issue beta ana --name laptop --expires 7d');

    const page = await command('team list --limit 1');
    expect([page.out.split('\n').length, page.err]).toEqual([
      2,
      expect.stringMatching(/^There are more rows: add --cursor \S+$/),
    ]);
    const [, cursor = ''] = /--cursor (\S+)/.exec(page.err) ?? [];
    expect(await command(`team list --limit 1 --cursor ${cursor}`)).toMatchObject({
      err: '',
      out: expect.stringContaining('\nbeta ') as string,
    });
    expect((await command('user list acme --search ANA --sort -created_at')).out).toBe('USER\nana');

    expect((await command('token find')).out).toMatch(/^TEAM .*\nacme .* working .*\nbeta .* working /);
    expect((await command('token find --search lap --expires-within 8d')).out).toMatch(
      /^TEAM .*\nbeta [^\n]*laptop[^\n]*$/,
    );
    expect((await command('token find --unused-since yesterday')).out).toBe('None.');
    expect((await command('token find --team gone')).err).toMatch(/^There is no team gone/);

    await command(`token revoke acme ${id}`);
    expect((await command(`token find --team acme --state revoked`)).out).toContain(id);
    expect((await command('token purge acme --ended-before 1d --yes')).out).toBe('Deleted 0 tokens of acme.');
    expect((await command('token purge acme --ended-before 2099-01-01 --yes')).out).toBe(
      'Deleted 1 token of acme.',
    );
    expect((await command('token purge acme --yes')).code).toBe(2);
    expect((await command('token purge gone --ended-before 1d --yes')).code).toBe(1);
  });

  it('lists the trusted issuers', async () => {
    expect((await command('issuer list')).out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['ISSUER', 'TEAM', 'USERS', 'CONSOLE'],
      ['https://a.example', 'acme', 'existing', 'no sign-in'],
      ['https://b.example', 'by hd', 'create', 'team-admin of acme, beta by groups: boss'],
    ]);
  });

  it('makes, lists, shows and revokes administrators', async () => {
    await command('team create acme');
    const created = await command('admin create --role team-admin --team acme --name Ana --expires 90d');
    expect(created).toMatchObject({ code: 0, err: expect.stringMatching(/shown only once/) as string });
    const [, id = ''] = /^id +(adm_\w+)$/m.exec(created.out) ?? [];
    const [, text = ''] = /^token +(tga_\w+)$/m.exec(created.out) ?? [];
    expect(inspectToken(text)).toEqual({ ok: true, kind: 'admin' });

    const auditor = JSON.parse((await command('admin create --role auditor --json')).out) as { id: string };
    const listed = await command('admin list');
    expect(listed.out).toMatch(/^ADMIN +ROLE +TEAMS +NAME +EXPIRES\n/);
    expect(listed.out).toMatch(new RegExp(`^${id} +team-admin +acme +Ana +\\d{4}-`, 'm'));
    expect(listed.out).toMatch(new RegExp(`^${auditor.id} +auditor +all +- +-$`, 'm'));
    expect(listed.out).not.toContain(text);
    expect((await command(`admin show ${auditor.id}`)).out).toMatch(/^teams +all$/m);

    // Over HTTP the token stands where the key does.
    const own = { ...environments['over HTTP'], ADMIN_KEY: text };
    expect(await tollgate('user create acme ana', own)).toMatchObject({ code: 0 });
    expect(await tollgate('team list', own)).toMatchObject({
      out: expect.stringMatching(/\nacme /) as string,
    });
    expect(await tollgate('admin list', own)).toMatchObject({ code: 1, out: '' });
    const refused = await tollgate('team create beta', own);
    expect(refused).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('the role admin') as string,
    });
    expect(refused.err).not.toContain(text);

    expect((await command(`admin revoke ${id} --yes`)).out).toBe(`Revoked the administrator ${id}.`);
    expect((await tollgate('team list', own)).err).toMatch(/not known here, or was revoked/);
    expect(await command(`admin revoke ${id} --yes`)).toMatchObject({ code: 1 });
  });

  it('rotates a token, and hands tokens over by a link', async () => {
    await command('team create acme');
    await command('user create acme ana');
    const issued = await command('token issue acme ana --json');
    const { id, token } = JSON.parse(issued.out) as { id: string; token: string };
    const rotated = await command(`token rotate acme ${id} --overlap 7d`);
    expect(rotated.err).toMatch(/shown only once/);
    const text = /^token +(tgk_\w+)$/m.exec(rotated.out)?.[1] ?? '';
    const secrets = new RegExp(
      `^secrets +${text.slice(0, 12)}… \\(not used\\), ${token.slice(0, 12)}… until\\s+\\d{4}-\\d\\d-\\d\\d\\s+\\d\\d:\\d\\d\\s+\\(not\\s+used\\)$`,
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
    for (const line of [
      'token issue acme ana --claim',
      `token rotate acme ${id} --claim --overlap 0 --yes`,
    ]) {
      const made = await command(line);
      expect(made.out).toMatch(new RegExp(`^claim_url +${link}[0-9a-f]{40}$`, 'm'));
      expect(made.out).not.toMatch(/tgk_\w{13}/);
      expect(made.err).toMatch(/shows the token once/);
      expect(made.err.includes("Put your gateway's address")).toBe(way === 'on Redis');
    }
  });

  it('reports usage and requests', async () => {
    const total = await command('usage');
    expect(total.out).toMatch(/^REQUESTS +INPUT +OUTPUT .*COST.*\n +0 +0 /);
    for (const asked of ['usage acme', 'refusals acme', 'requests acme', 'audit list --team acme']) {
      expect(await command(asked)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/^There is no team/) as string,
      });
    }
    await command('team create acme');
    await command('user create acme ana');
    expect(await command('requests --user bob')).toMatchObject({ code: 1, out: '' });
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

  it('changes limits one at a time, and tells them before and after', async () => {
    await command('team create acme --limit tokens/day=100 --limit tokens/day=50@m');
    const added = await command('team set acme --add-limit requests/day=5 --add-limit tokens/day=200');
    expect(added).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^limits +tokens\/day=200, tokens\/day=50@m, requests\/day=5$/m) as string,
      err: [
        'Limits before: tokens/day=100, tokens/day=50@m',
        'Limits after:  tokens/day=200, tokens/day=50@m, requests/day=5',
      ].join('\n'),
    });
    const unclear = await command('team set acme --remove-limit tokens/day');
    expect(unclear).toMatchObject({ code: 1, err: expect.stringContaining('could be any of') as string });
    expect((await command('team set acme --remove-limit tokens/day@m --name Acme')).out).toMatch(
      /^limits +tokens\/day=200, requests\/day=5$/m,
    );
    expect(await command('team set acme --limit tokens/day=1 --add-limit requests/day=5')).toMatchObject({
      code: 2,
      out: '',
    });
    expect((await command('settings set --add-limit tokens/month=900')).out).toMatch(
      /^limits +tokens\/month=900$/m,
    );
    expect((await command('settings set --remove-limit tokens/month')).out).toMatch(/^limits +none$/m);
  });

  it('sets, tells and takes back prices', async () => {
    const model = 'claude-4-5-haiku';
    expect((await command('prices')).out).toMatch(/^claude-4-5-haiku$/m);
    const set = await command(`prices set ${model} --input 1 --output 5.25`);
    expect(set.out).toMatch(/^in_force +source: api; from: .*usd_per_million_output_tokens: 5.25$/ms);
    expect(set.err).toMatch(/^Before: unpriced\nAfter: +source: api; from: /);
    const later = await command(
      `prices set ${model} --input 2 --output 8 --cache-read 0.2 --from 2099-01-01`,
    );
    expect(later.err).toMatch(
      /\| to come: source: api; from: 2099-01-01T00:00:00.000Z; .*cache_read_tokens: 0.2;/,
    );
    expect((await command('prices list')).out).toMatch(/^claude-4-5-haiku +1 +5.25 +api +2099-01-01$/m);
    const again = await command(`prices set ${model} --input 3 --output 9 --from 2099-01-01T00:00:00Z`);
    expect(again.err.split('\n')[1]).not.toContain('cache_read');
    const { set: kept } = JSON.parse((await command(`--json prices show ${model}`)).out) as { set: object[] };
    expect(kept).toHaveLength(2);

    expect((await command(`prices clear ${model} --from 2098-01-01`)).err).toMatch(/^No price was set/);
    const cleared = await command(`prices clear ${model} --from 2099-01-01`);
    expect(cleared.err).toMatch(/^After: +source: api; from: [^|]*$/m);
    expect((await command(`prices clear ${model}`)).err).toMatch(/^After: +unpriced$/m);
    expect((await command(`prices clear ${model}`)).code).toBe(1);
    expect((await command(`prices set ${model}`)).code).toBe(2);
    expect((await command(`prices set ${model} --input 1`)).err).toContain(
      'usd_per_million_output_tokens is required',
    );
    expect((await command('prices set nobody --input 1 --output 2')).err).toContain(
      'no such model in the catalogue',
    );
  });

  it('makes webhooks of the gateway and of a team, tries them, and tells what was sent', async () => {
    const receiver = await startReceiver();
    onTestFinished(() => receiver.close());
    const json = async (line: string): Promise<JsonObject> =>
      JSON.parse((await command(`--json ${line}`)).out) as JsonObject;
    await command('team create acme');
    for (const whose of ['', ' --team acme']) {
      const made = await json(`webhook create ${receiver.url} --event token.leaked --name pager${whose}`);
      const secret = made['secret'] as string;
      const id = `${made['id'] as string}${whose}`;
      expect(secret).toMatch(/^whsec_/);
      expect(made).toMatchObject({
        team: whose === '' ? null : 'acme',
        events: ['token.leaked'],
        name: 'pager',
      });
      const listed = await command(`webhook list${whose}`);
      expect(listed.out).toMatch(/^WEBHOOK +STATE/);
      expect(listed.out).toContain('ok');
      const shown = await command(`webhook show ${id}`);
      expect(shown.code).toBe(0);
      expect(listed.out + shown.out).not.toContain(secret);
      expect(await json(`webhook set ${id} --clear events --name new`)).toMatchObject({
        events: null,
        name: 'new',
      });

      const took = receiver.received.length;
      expect(await json(`webhook test ${id}`)).toMatchObject({ outcome: 'test_delivered', status: 204 });
      expect(receiver.received).toHaveLength(took + 1);
      receiver.answer = (response) => response.writeHead(503).end();
      const failed = await command(`webhook test ${id}`);
      expect([failed.code, failed.err]).toEqual([1, 'The test was not taken.']);
      receiver.answer = (response) => response.writeHead(204).end();
      const log = await command(`webhook deliveries ${id}`);
      expect(
        log.out.split('\n').map((line) => /test_\w+ +(?:204|503)/.exec(line)?.[0].replace(/ +/, ' ')),
      ).toEqual([undefined, 'test_failed 503', 'test_delivered 204']);

      const rotated = await command(`webhook rotate ${id} --overlap 1h`);
      expect(rotated.out).toContain('whsec_');
      expect(rotated.err).toContain('only once');
      expect((await command(`webhook rotate ${id} --overlap 0`)).code).toBe(2);
      expect((await command(`webhook rotate ${id} --overlap 0 --yes`)).code).toBe(0);
      expect(await json(`webhook enable ${id}`)).toMatchObject({ state: 'ok' });
      const { out } = await command(`webhook delete ${id} --yes`);
      expect(out).toBe(`Deleted the webhook ${made['id'] as string}.`);
      expect((await command(`webhook show ${id}`)).code).toBe(1);
    }
    const chat = await command('webhook create https://hooks.slack.com/services/a');
    expect(chat.err).toContain('not signed');
    const refused = await command('webhook create https://169.254.169.254/latest');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('WEBHOOK_PRIVATE_HOSTS')]);
    expect((await command('webhook create https://example.com/in --team gone')).code).toBe(1);
  });

  it('makes users and tokens from a file: all problems first, and again what is not there', async () => {
    await command('team create acme');
    await command('user create acme ana --email ana@example.com');
    const file = join(directory, 'users.csv');
    await writeFile(
      file,
      'user,name,email,expires\nana,Ana,ana@example.com,90d\nbob,"Bob, B.",bob@example.com,\n',
    );
    expect(await command(`user create acme --file ${file}`)).toMatchObject({
      code: 0,
      out: 'status,id,name,email\nexists,ana,Ana,ana@example.com\ncreated,bob,"Bob, B.",bob@example.com',
      err: expect.stringMatching(/^1 created, 1 there already\./) as string,
    });

    const issued = await command(`token issue acme --file ${file}`);
    expect(issued.code).toBe(0);
    expect(issued.out).toMatch(
      /^status,user,name,id,claim_url,claim_expires_at\ncreated,ana,,tok_\w+,\S*\/claim\/[0-9a-f]{40},\S+\ncreated,bob,,tok_/,
    );
    expect(issued.err).toMatch(/^2 created, 0 there already\.\n.*link shows its token once/);
    const again = await command(`token issue acme --file ${file} --json`);
    expect(JSON.parse(again.out)).toMatchObject({ data: [{ status: 'exists' }, { status: 'exists' }] });
    expect((await command('token list acme')).out.split('\n')).toHaveLength(3);

    await writeFile(
      file,
      'user,email,limits\nBOB,x,\ncarl,ana@example.com,tokens/day\ndora,dora@example.com,\ndora,d@example.com,',
    );
    const refused = await command(`user create acme --file ${file}`);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err.split('\n')).toEqual([
      expect.stringMatching(/users\.csv cannot be used; nothing was made\.$/),
      expect.stringMatching(/^Line 2: id must be 1 to 39/),
      expect.stringMatching(/^Line 2: email must be/),
      expect.stringMatching(/^Line 3: Write metric\/window=max/),
      'Line 5: dora is on line 4 already.',
    ]);
    await writeFile(file, 'user,email\neve,ANA@example.com\n');
    expect((await command(`user create acme --file ${file}`)).err).toMatch(
      /\nLine 2: ANA@example\.com is the address of ana already\.$/,
    );
    await writeFile(file, 'user\ngone\n');
    expect((await command(`token issue acme --file ${file}`)).err).toMatch(
      /\nLine 2: there is no user gone in the team acme\.$/,
    );
    expect((await command(`user create gone --file ${file}`)).err).toMatch(/^There is no team gone/);
    expect((await command('user create acme')).code).toBe(2);
    expect((await command(`user create acme ana --file ${file}`)).code).toBe(2);
    expect((await command('user list acme')).out).not.toMatch(/dora|carl|eve/);
  });

  it('sums weeks and months, sorts, and has a total', async () => {
    await command('team create acme');
    await command('team create beta');
    const keys = keysUnder('cli:');
    const endpoint = '/v1/chat/completions';
    for (const [day, team, requests] of [
      ['2026-01-31', 'acme', 1],
      ['2026-02-01', 'acme', 20],
      ['2026-02-02', 'beta', 300],
    ] as const) {
      const row = encodeTotalsRow({ team, user: 'ana', token: 'tok_1', model: 'm', endpoint });
      await store.client.hset(keys.totals(day), row, `${requests} 8 9 0 0 0 0`);
    }
    const range = '--from 2026-01-01 --to 2026-02-28';
    expect((await command(`usage --by month ${range}`)).out).toBe(
      [
        'MONTH    REQUESTS  INPUT  OUTPUT',
        '2026-01         1      8       9',
        '2026-02       320     16      18',
        'TOTAL         321     24      27',
      ].join('\n'),
    );
    expect((await command(`usage --by team,week --sort -requests ${range}`)).out).toBe(
      [
        'TEAM   WEEK        REQUESTS  INPUT  OUTPUT',
        'acme   2026-01-26        21     16      18',
        'beta   2026-02-02       300      8       9',
        'TOTAL                   321     24      27',
      ].join('\n'),
    );
    expect((await command(`usage acme --by month --format csv ${range}`)).out).toMatch(
      /^month,requests,.*\r\n2026-01,1,8,.*\r\n2026-02,20,8,.*\r$/,
    );
    const { data } = JSON.parse((await command(`usage --by day --sort requests ${range} --json`)).out) as {
      data: { day: string }[];
    };
    expect(data.map(({ day }) => day)).toEqual(['2026-02-02', '2026-02-01', '2026-01-31']);
    for (const line of ['usage --by day,week', 'usage --by team --sort user', 'usage --from soon']) {
      expect(await command(line)).toMatchObject({ code: 2, out: '' });
    }
    expect(await command('refusals --by week --from 4w')).toMatchObject({ code: 0, out: 'None.' });
  });

  it('lists the trail with what changed and who by name, and shows an entry', async () => {
    await command('team create acme');
    await command('team set acme --name Acme');
    const { out } = await command('audit list');
    expect(out).toMatch(
      /^NO  TIME .*CHANGE\n +2 .* team\.change +acme .*name: - → Acme\n +1 .* team\.create /,
    );
    const shown = await command('audit show 2');
    expect(shown.out).toMatch(/^sequence +2\n[^]*\n\nFIELD +BEFORE +AFTER\nname +- +Acme$/);
    expect(JSON.parse((await command('audit show 2 --json')).out)).toMatchObject({ sequence: 2 });
    expect(await command('audit show 3')).toMatchObject({ code: 1, out: '' });
    expect(await command('audit show two')).toMatchObject({ code: 2, out: '' });

    const made = await command('admin create --role admin --name Ana --json');
    const { token } = JSON.parse(made.out) as { token: string };
    const own = { ...environments['over HTTP'], ADMIN_KEY: token };
    await tollgate('team set acme --name New', own);
    expect((await command('audit list --limit 1')).out).toMatch(/ Ana +team\.change /);
    // Only root knows the others' names.
    expect((await tollgate('audit list --limit 1', own)).out).toMatch(/ adm_\w+…? +team\.change /);
  });

  it('raises a limit until a time, lists what raises limits, and withdraws it', async () => {
    await command(
      'team create acme --limit tokens/day=100 --limit tokens/day=50@m --limit cost_usd/month=2.5',
    );
    await command('user create acme ana --limit concurrency=3:observe');
    expect(await command('limits raise acme tokens/day --by 50 --until 2h')).toMatchObject({
      code: 1,
      err: 'The name tokens/day could be any of tokens/day=100, tokens/day=50@m: write the whole limit.',
    });
    const raised = await command('limits raise acme tokens/day@m --by 50 --until 2h --json');
    const { id } = JSON.parse(raised.out) as { id: string };
    const dear = await command('limits raise acme cost_usd/month --by 0.25 --until 2099-01-01');
    expect(dear).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^until must be in the future, at most/),
    });
    expect((await command('limits raise acme concurrency --user ana --by 2 --until 1d')).out).toMatch(
      /^by +2$/m,
    );

    const { out } = await command('limits list acme');
    expect(out).toMatch(/^LIMIT +USED +LEFT +RAISED BY +ALL FREE AT\n/);
    expect(out).toMatch(/^tokens\/day=50@m +0 +100 +50 /m);
    expect(out).toMatch(/\n\nRAISE +LIMIT +BY +UNTIL\nrse_\w{12} +tokens\/day=50@m +50 +\d{4}-/);
    expect((await command('team show acme')).out).toMatch(/^raises +rse_\w{12} by 50 until \d{4}-/m);
    expect((await command('limits list acme --user ana')).out).toMatch(/^concurrency=3:observe +0 +5 +2 /m);

    expect(await command(`limits withdraw acme ${id}`)).toMatchObject({
      code: 0,
      out: `Withdrew the raise ${id}.`,
    });
    expect((await command('limits list acme')).out).not.toContain('RAISE');
    expect(await command(`limits withdraw acme ${id}`)).toMatchObject({ code: 1 });
    expect(await command('limits raise acme tokens/day --by 1')).toMatchObject({ code: 2 });
    expect(await command('limits list acme --user ana --token tok_1')).toMatchObject({ code: 2 });
  });

  it('knows no team that is not there, whatever the command', async () => {
    for (const line of [
      'limits list gone',
      'limits raise gone tokens/day --by 1 --until 1h',
      'limits withdraw gone rse_1',
      'team show gone',
      'team set gone --name x',
      'team set gone --add-limit tokens/day=1',
      'team suspend gone',
      'team delete gone --yes',
      'user create gone ana',
      'user list gone',
      'user list gone --limit 1',
      'user show gone ana',
      'user delete gone ana --yes',
      'token issue gone ana',
      'token list gone',
      'token list gone --user ana',
      'token list gone --sort last_used',
      'token find --team gone',
      'token purge gone --ended-before 1d --yes',
      'usage gone',
      'usage gone --by month --from 2026-01-01',
      'usage gone --format csv',
      'refusals gone --by code',
      'requests gone',
      'requests gone --format ndjson',
      'audit list --team gone',
      'admin create --role team-admin --team gone',
      'export --team gone',
    ]) {
      const { code, err } = await command(line);
      expect([line, code, err]).toEqual([line, 1, expect.stringMatching(/^There is no (?:team|user)/)]);
    }
  });

  it('prints reports as CSV and NDJSON as they come, and tables within 80 columns', async () => {
    await fillReports();
    const csv = await command('requests acme --format csv');
    expect(csv).toMatchObject({ code: 0, err: '' });
    const lines = csv.out.split('\n');
    expect(lines).toHaveLength(2_501);
    expect(lines[0]).toMatch(/^id,request_id,time,.*\r$/);
    expect(lines[1]).toMatch(/^cli-2499,/);
    const ndjson = await command('requests --user ana --format ndjson');
    expect(ndjson.out.split('\n').map((line) => (JSON.parse(line) as { id: string }).id)).toHaveLength(2_500);
    const page = await command('requests --limit 2 --format ndjson');
    expect(page.out.split('\n')).toHaveLength(2);
    expect(page.err).toMatch(/^There are more rows: add --cursor \d+-\d+$/);

    expect((await command('usage acme --by user --format csv')).out).toBe(
      'team,user,requests,input_tokens,output_tokens,images,errors,aborted,lost,cost_usd,search_units,cache_read_tokens,cache_write_tokens\r\nacme,ana,7,8,9,0,0,0,0,0,0,0,0\r',
    );
    expect((await command('refusals acme --by code')).out).toMatch(
      /^CODE {16}REFUSED {2}LAST\ninsufficient_quota {7}12 {2}\d{4}-\d\d-\d\dT[\d:.]+Z$/,
    );
    expect((await command('refusals --format ndjson --by team')).out).toMatch(
      /^{"team":"acme","refused":12,"last_at":"[^"]+"}$/,
    );
    expect((await command('refusals --by user')).out).toMatch(/^TEAM +USER +REFUSED +LAST\nacme /);
    expect((await command('refusals acme --by user')).out).toMatch(/^USER +REFUSED +LAST\n/);
    expect((await command('usage --by token')).out).toMatch(/^acme {2}tok_4fJ2mQ9sXbVe {9}7 /m);
    const overview = await command('overview --period 7d');
    expect(overview.out).toMatch(
      /^\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d\n\nREQUESTS +INPUT +OUTPUT +REFUSED\n +7 /,
    );
    expect(overview.out).toMatch(/^Users\nTEAM +USER +REQUESTS .*\nacme +ana +7 /m);
    expect(overview.out).toMatch(/^Refusals\nCODE +REFUSED\ninsufficient_quota +12$/m);
    expect((await command('upstreams')).err).toMatch(/^Only a running gateway knows its attachments/);
    const wide = ['overview', 'requests', 'requests acme', 'usage --by day,team,user,token,model,endpoint'];
    for (const line of wide) {
      const { out } = await command(line);
      expect(Math.max(...out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    }
    expect(await command('requests --format csv --limit 5000')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^limit must be/) as string,
    });
    expect((await command('usage --format xml')).code).toBe(2);
  });

  it('says on stderr what went wrong, every problem of it, and exits with 1', async () => {
    expect(await command('team show acme')).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(/^There is no team acme\. \(not_found\)\n.*team list/) as string,
    });
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
    'admin create',
    'admin create --role root',
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

  it('has the help of a command of a group, by help as by --help', async () => {
    for (const command of ['', ' token', ' token rotate', ' help']) {
      const { out } = await tollgate(`${command} --help`.trim(), {});
      expect(await tollgate(`help${command}`, {})).toEqual({ code: 0, out, err: '' });
    }
    for (const line of ['help bogus', 'help token bogus', 'help token rotate bogus']) {
      const result = await tollgate(line, {});
      expect([result.code, result.out]).toEqual([2, '']);
      expect(result.err).toMatch(/^error: unknown command 'bogus'/);
    }
  });

  it('tells its version', async () => {
    expect(await tollgate('--version', {})).toEqual({ code: 0, out: version, err: '' });
  });

  it.each(['/admin', '/admin/', '/elsewhere/admin'])(
    'says what TOLLGATE_URL must be where it ends in %s',
    async (path) => {
      const { TOLLGATE_URL: url = '' } = environments['over HTTP'] ?? {};
      const env = { TOLLGATE_URL: url.replace(/\/$/, path), ADMIN_KEY: adminKey };
      const result = await tollgate('team list', env);
      expect([result.code, result.out]).toEqual([3, '']);
      expect(result.err).toMatch(/TOLLGATE_URL/);
    },
  );

  const nowhere = 'http://127.0.0.1:2'; // fetch never asks port 1
  it.each<[string, NodeJS.ProcessEnv, RegExp, number?]>([
    ['nothing is set', {}, /^No gateway is configured. Set TOLLGATE_URL and ADMIN_KEY, or set REDIS_URL/],
    ['the key is missing', { TOLLGATE_URL: nowhere }, /ADMIN_KEY is not/],
    [
      'nobody listens',
      { TOLLGATE_URL: nowhere, ADMIN_KEY: adminKey },
      /^http:\/\/127\.0\.0\.1:2 cannot be reached \(ECONNREFUSED\)/,
      3,
    ],
    [
      'the port is one that fetch blocks',
      { TOLLGATE_URL: 'http://127.0.0.1:6000', ADMIN_KEY: adminKey },
      /^Port 6000 is blocked: .*Let the gateway listen on another port/,
    ],
    ['the URL is none', { TOLLGATE_URL: 'gateway', ADMIN_KEY: adminKey }, /TOLLGATE_URL must be a URL/],
    [
      'the URL has credentials',
      { TOLLGATE_URL: 'http://u:secret-1@127.0.0.1:1', ADMIN_KEY: adminKey },
      /TOLLGATE_URL must be a URL/,
    ],
    ['the key breaks a header', { TOLLGATE_URL: nowhere, ADMIN_KEY: `${adminKey}\nx` }, /ADMIN_KEY must be/],
    ['the Redis URL is none', { REDIS_URL: 'http://u:secret-1@h' }, /^REDIS_URL: expected/],
    [
      'no Redis listens',
      { REDIS_URL: 'redis://:secret-1@127.0.0.1:1' },
      /^The Redis of .* cannot be used/,
      3,
    ],
  ])(
    'says why when %s, and exits with 2, or 3 where nobody is reached',
    async (_, env, message, code = 2) => {
      const result = await tollgate('team list', env);
      expect([result.code, result.out]).toEqual([code, '']);
      expect(result.err).toMatch(message);
      expect(result.err).not.toContain(adminKey);
      expect(result.err).not.toContain('secret-1');
    },
  );

  it.each([
    ['has no such database', () => `${redis.url}/99`, /database at the end of REDIS_URL .* out of range/],
    ['takes no such user', () => redis.url.replace('//', '//nobody:secret-1@'), /WRONGPASS/],
    ['has a name that leads nowhere', () => 'redis://nowhere.invalid', /ENOTFOUND|EAI_AGAIN/],
    ['does not listen', () => 'redis://127.0.0.1:1', /ECONNREFUSED/],
  ])('says at once that the Redis %s', async (_, url, reason) => {
    // Without its timeout, only the failure itself can end the wait.
    const patient = vi.spyOn(RedisStore.prototype, 'whenReady').mockImplementation(function (
      this: RedisStore,
    ) {
      return new Promise((_resolve, reject) => {
        this.client.once('end', () => reject(new Error('The connection has ended.')));
      });
    });
    onTestFinished(() => patient.mockRestore());
    const result = await tollgate('team list', { REDIS_URL: url() });
    expect(patient).toHaveBeenCalledOnce();
    expect(result.code).toBe(3);
    expect(result.err).toMatch(reason);
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
        env: { PATH: process.env['PATH'], ...compiledAhead, ...env },
        timeout: 60_000,
      });
      expect(JSON.parse(stdout)).toEqual({ data: [] });
    }
  });
});
