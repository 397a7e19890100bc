import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeEntry } from '../../../src/ledger/entry-text.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { RedisStore } from '../../../src/store/redis.ts';
import { settlementOf } from '../../../src/limits/settlement.ts';
import { exampleDocument } from '../../support/command-line.ts';
import { tokenRow } from '../../support/documents.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { grantOf, openRequest, outcomeOf } from '../../unit/limits/samples.ts';

/* What people, their scripts and their enemies send to /admin, on a real gateway and a real Redis. */

let redis: SharedRedis;
let store: RedisStore;
let gateway: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis });
  store = new RedisStore({ url: redis.url, verifyTls: false, commandTimeoutMs: 5_000 });
  store.connect();
  await store.whenReady(5_000);
});

afterAll(async () => {
  store.close();
  await gateway.close();
});

beforeEach(async () => {
  await redis.flush();
  await ask('POST', '/admin/import', exampleDocument());
});

interface Answer {
  status: number;
  code: string | null;
  params: (string | null)[];
  data: Record<string, unknown>[];
}

async function ask(method: string, path: string, body?: object): Promise<Answer> {
  const reply = await gateway.admin(method, path, body);
  const { error, data } = reply.body as {
    error?: { code: string; param: string | null; details?: { param: string }[] };
    data?: Answer['data'];
  };
  const params = error ? [error.param, ...(error.details ?? []).map(({ param }) => param)] : [];
  return { status: reply.status, code: error?.code ?? null, params, data: data ?? [] };
}

/** All that is stored of identities. */
async function identities(): Promise<unknown> {
  const { exported_at: _at, ...document } = (await gateway.admin('GET', '/admin/export')).body;
  return document;
}

/** What a pattern, a command, a script, a path, a spreadsheet, a log or a prototype would make more of. */
const hostile = [
  '*',
  'ac*',
  'acm?',
  '[a]cme',
  '%',
  '%25',
  'acme%',
  'acme\n',
  'acme\r\nFLUSHALL\r\n',
  'acme\u0000',
  '../acme',
  'acme/users/ana',
  'acme ana',
  "') return redis.call('FLUSHALL') --",
  '"]] .. error("x")',
  '${1+1}',
  '=HYPERLINK("http://x")',
  '{"level":60}\n{"level":60,"msg":"forged"}',
  '__proto__',
  'constructor',
  '@',
  '-1',
  'ACME',
  'é'.repeat(200),
  'a'.repeat(2_000),
];

describe('parts of a request that an operation pays no heed to', () => {
  it('are refused with a change, and nothing is done', async () => {
    const made = await gateway.issue();
    const token = `/admin/teams/${made.team}/tokens/${made.id}`;
    const user = `/admin/teams/${made.team}/users/${made.user}`;
    expect(await ask('DELETE', token, { dry_run: true })).toMatchObject({ status: 400, params: ['dry_run'] });
    expect(await ask('POST', `${user}/suspend`, { until: '2030-01-01' })).toMatchObject({
      status: 400,
      params: ['until'],
    });
    const create = await fetch(`${gateway.url}/admin/teams`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.adminKey}`, 'if-match': '"a-state"' },
      body: JSON.stringify({ id: 'never-made' }),
    });
    expect(create.status).toBe(400);
    expect((await gateway.admin('GET', token)).body).toMatchObject({ revoked_at: null });
    expect((await gateway.admin('GET', user)).body).toMatchObject({ suspended_at: null });
    expect((await ask('GET', '/admin/teams/never-made')).status).toBe(404);
  });

  it('may be an empty object, as many clients send', async () => {
    const made = await gateway.issue();
    const token = `/admin/teams/${made.team}/tokens/${made.id}`;
    expect((await ask('DELETE', token, {})).status).toBe(204);
  });
});

describe('an id in a path', () => {
  it.each(hostile)('is plain text, and 404 where nothing has it: %j', async (text) => {
    const before = await identities();
    const id = encodeURIComponent(text);
    for (const path of [`teams/${id}`, `teams/acme/users/${id}`, `teams/acme/tokens/${id}`, `admins/${id}`]) {
      expect(await ask('GET', `/admin/${path}`)).toMatchObject({ status: 404, code: 'not_found' });
      expect(await ask('DELETE', `/admin/${path}`)).toMatchObject({ status: 404, code: 'not_found' });
      if (path.startsWith('teams')) expect((await ask('PATCH', `/admin/${path}`, {})).status).toBe(404);
    }
    for (const path of [
      `teams/${id}/suspend`,
      `teams/acme/users/${id}/resume`,
      `teams/acme/tokens/${id}/rotate`,
    ]) {
      expect((await ask('POST', `/admin/${path}`, {})).status).toBe(404);
    }
    expect((await ask('POST', `/admin/teams/${id}/users`, { id: 'bob' })).status).toBe(404);
    expect((await ask('GET', `/admin/teams/${id}/tokens`)).status).toBe(404);
    expect(await identities()).toEqual(before);
  });

  it('writes no line of its own into the log', async () => {
    const before = gateway.log().length;
    for (const text of hostile) await ask('GET', `/admin/teams/${encodeURIComponent(text)}`);
    const lines = gateway.log().slice(before).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(hostile.length);
    for (const line of lines) expect(JSON.parse(line)).not.toMatchObject({ msg: 'forged' });
  });
});

describe('an id in a body', () => {
  it.each(hostile.filter((text) => text !== 'constructor'))(
    'is refused where it is not one: %j',
    async (id) => {
      for (const path of ['teams', 'teams/acme/users']) {
        expect(await ask('POST', `/admin/${path}`, { id })).toMatchObject({ status: 400, params: ['id'] });
      }
      expect(await ask('POST', '/admin/teams/acme/tokens', { user: id })).toMatchObject({
        status: 400,
        params: ['user'],
      });
    },
  );

  it('may be a word that JavaScript has a use for', async () => {
    expect((await ask('POST', '/admin/teams', { id: 'constructor' })).status).toBe(201);
    expect((await ask('POST', '/admin/teams/constructor/users', { id: 'constructor' })).status).toBe(201);
    expect((await ask('GET', '/admin/teams/constructor/users')).data).toMatchObject([{ id: 'constructor' }]);
  });

  it('is 409 where it is taken', async () => {
    expect(await ask('POST', '/admin/teams', { id: 'acme' })).toMatchObject({
      status: 409,
      code: 'already_exists',
    });
    expect(await ask('POST', '/admin/teams/acme/users', { id: 'ana' })).toMatchObject({ status: 409 });
  });
});

describe('a filter', () => {
  const people = [
    '*',
    '%',
    'v*',
    '=HYPERLINK("http://x")',
    'it\'s, "quoted"',
    'visitor',
    '${x}',
    '__proto__',
  ];

  beforeEach(async () => {
    const batch = store.client.pipeline();
    for (const [n, endUser] of people.entries()) {
      const { entry } = settlementOf(
        grantOf({ id: `g-${n}`, request: openRequest({ endUser }) }),
        outcomeOf(),
      );
      batch.xadd(keysUnder('tollgate:').entries, '*', 'e', encodeEntry(entry));
    }
    await batch.exec();
  });

  it.each(people)('is plain text: %j finds itself and nothing else', async (endUser) => {
    const found = await ask('GET', `/admin/requests?end_user=${encodeURIComponent(endUser)}`);
    expect(found.data.map((entry) => entry['end_user'])).toEqual([endUser]);
  });

  it.each(hostile)('that cannot be one finds nothing or is refused by its name: %j', async (text) => {
    const value = encodeURIComponent(text);
    for (const report of ['requests', 'usage', 'refusals']) {
      for (const name of ['team', 'user', 'token', 'endpoint']) {
        // One of them is an id that somebody could have.
        const answer = await ask('GET', `/admin/${report}?${name}=${value}`);
        if (answer.status === 404) expect(text).toBe('constructor');
        else expect(answer).toMatchObject({ status: 400, code: 'invalid_request', params: [name] });
      }
    }
    expect((await ask('GET', '/admin/requests')).data).toHaveLength(people.length);
  });

  it('comes out of CSV as text, not as a formula', async () => {
    const reply = await fetch(`${gateway.url}/admin/requests?format=csv`, {
      headers: { authorization: `Bearer ${gateway.adminKey}` },
    });
    const text = await reply.text();
    expect(text).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(text).not.toMatch(/(^|,)"?=/m);
    expect(text.trimEnd().split('\r\n')).toHaveLength(people.length + 1);
  });

  it.each([
    'limit=1001',
    'limit=0',
    'limit=-1',
    'limit=1e3',
    'limit=*',
    'limit=10%0a',
    'limit=99999999999999999999',
  ])('a page of %s is refused', async (query) => {
    expect(await ask('GET', `/admin/requests?${query}`)).toMatchObject({ status: 400, params: ['limit'] });
  });

  it('that is unknown, or given twice, is refused by its name', async () => {
    for (const report of ['requests', 'usage', 'refusals']) {
      const answer = await ask('GET', `/admin/${report}?bogus=1&team=acme&team=beta`);
      expect([answer.status, answer.params.includes('team') || answer.params.includes('bogus')]).toEqual([
        400,
        true,
      ]);
    }
    expect(await ask('GET', '/admin/export?bogus=1')).toMatchObject({ status: 400, params: ['bogus'] });
  });
});

describe('a limit that is malformed', () => {
  const good = { metric: 'tokens', window: 'day', max: 5 };
  const bad: [object, RegExp][] = [
    [{ ...good, max: -1 }, /^0\.max$/],
    [{ ...good, max: 1.5 }, /^0\.max$/],
    [{ ...good, max: '5' }, /^0\.max$/],
    [{ ...good, max: 1e300 }, /^0\.max$/],
    [{ ...good, window: 'fortnight' }, /^0\.window$/],
    [{ ...good, metric: 'tokens*' }, /^0\.metric$/],
    [{ metric: 'tokens', max: 5 }, /^0\.window$/],
    [{ metric: 'concurrency', window: 'day', max: 5 }, /^0\.window$/],
    [{ ...good, id: 5 }, /^0\.id$/],
    [{ ...good, enforce: 'no' }, /^0\.enforce$/],
    [{ ...good, models: ['*'] }, /^0\.models\.0$/],
    [{ ...good, scope: 'gateway' }, /^0\.scope$/],
  ];

  it.each(bad)('is refused with its path, wherever limits are set: %j', async (limit, at) => {
    const before = await identities();
    const places = [
      ['POST', 'teams', { id: 'beta' }],
      ['PATCH', 'teams/acme', {}],
      ['PATCH', 'teams/acme/users/ana', {}],
      ['POST', 'teams/acme/tokens', { user: 'ana' }],
      ['PATCH', 'settings', {}],
    ] as const;
    for (const [method, path, fields] of places) {
      const answer = await ask(method, `/admin/${path}`, { ...fields, limits: [limit] });
      expect([answer.status, answer.code]).toEqual([400, 'invalid_body']);
      for (const param of answer.params) expect(param?.replace(/^limits\./, '')).toMatch(at);
    }
    const defaults = await ask('PATCH', '/admin/settings', { defaults: { team: { limits: [limit] } } });
    expect(defaults.params[0]?.replace(/^defaults\.team\.limits\./, '')).toMatch(at);
    expect(await identities()).toEqual(before);
  });
});

describe('a field that is unknown', () => {
  it.each([
    ['POST', 'teams', { id: 'beta', limit: [] }, ['limit']],
    ['PATCH', 'teams/acme', { id: 'beta', suspended_at: null }, ['id', 'suspended_at']],
    ['PATCH', 'teams/acme/users/ana', { team: 'beta' }, ['team']],
    ['POST', 'teams/acme/tokens', { user: 'ana', secret: 'x', revoked_at: null }, ['secret', 'revoked_at']],
    ['PATCH', 'teams/acme/tokens/tok_4fJ2mQ9sXbVe', { prefix: 'x' }, ['prefix']],
    ['POST', 'teams/acme/tokens/tok_4fJ2mQ9sXbVe/rotate', { overlap: 1 }, ['overlap']],
    ['PATCH', 'settings', { defaults: { gateway: {} } }, ['defaults.gateway']],
    ['POST', 'admins', { role: 'admin', token: 'x' }, ['token']],
  ] as const)('is refused by its path: %s %s %j', async (method, path, body, params) => {
    const before = await identities();
    expect(await ask(method, `/admin/${path}`, body)).toMatchObject({
      status: 400,
      code: 'invalid_body',
      params,
    });
    expect(await identities()).toEqual(before);
  });
});

describe('an import with one bad row', () => {
  it.each([
    ['an id that is none', tokenRow('tok *')],
    ['a user that is not there', tokenRow('tok_2', { user: 'nobody' })],
    ['a field that is unknown', tokenRow('tok_2', { role: 'admin' })],
    ['a limit that is malformed', tokenRow('tok_2', { limits: [{ id: 'l', metric: 'tokens', max: -1 }] })],
  ])('changes nothing: %s', async (_, row) => {
    const before = await identities();
    const document = exampleDocument();
    const teams = [...(document['teams'] as object[]), { ...(document['teams'] as object[])[0], id: 'beta' }];
    const answer = await ask('POST', '/admin/import?overwrite=true', {
      ...document,
      teams,
      tokens: [...(document['tokens'] as object[]), row],
    });
    expect(answer.status).toBe(400);
    expect(answer.params[0]).toMatch(/^tokens\.1\./);
    expect(await identities()).toEqual(before);
  });
});
