import { beforeEach, describe, expect, it } from 'vitest';
import { adminApp } from '../../../src/admin/admin-app.ts';
import { adminRoutes } from '../../../src/admin/admin-app.ts';
import { hashToken } from '../../../src/identity/records/token-text.ts';
import type { Webhook } from '../../../src/identity/records/webhook.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { adminKey, bearer, errorOf, Harness, problemsOf } from './harness.ts';
import { aRaise, raisedLimit } from './raised.ts';

interface Change {
  /** What the trail calls it. */
  operation: string;
  /** What it ends besides, each an entry of its own. */
  ends?: string[];
  body?: object;
  /** What must have been asked before. */
  after?: [method: string, path: string, body?: object];
  /** How much later it is asked, ms. */
  laterMs?: number;
  parameters?: string;
  /** What is changed is a webhook that was disabled. */
  disabled?: boolean;
}

const members = '/admin/teams/:team';
const imported = {
  tollgate_export: 1,
  exported_at: '2026-01-01T00:00:00.000Z',
  teams: [{ id: 'beta', name: null, limits: [], models: null, created_at: '2026-01-01T00:00:00.000Z' }],
  users: [],
  tokens: [],
};

const prices = {
  prices: [{ usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 15 }],
};

const hook = { url: 'https://hooks.example.com/a' };

function changesOfWebhooks(path: string): Record<string, Change> {
  return {
    [`POST ${path}`]: { operation: 'webhook.create', body: hook },
    [`PATCH ${path}/:id`]: { operation: 'webhook.change', body: { name: 'Pager' } },
    [`DELETE ${path}/:id`]: { operation: 'webhook.delete' },
    [`POST ${path}/:id/rotate`]: { operation: 'webhook.rotate' },
    [`POST ${path}/:id/enable`]: { operation: 'webhook.enable', disabled: true },
    [`POST ${path}/:id/test`]: { operation: 'webhook.test' },
  };
}

/** Every operation that can change something, asked so that it does. */
const changes: Readonly<Record<string, Change>> = {
  'POST /admin/teams': { operation: 'team.create', body: { id: 'made' } },
  'PATCH /admin/teams/:team': { operation: 'team.change', body: { models: ['m'] } },
  'DELETE /admin/teams/:team': { operation: 'team.delete' },
  [`POST ${members}/suspend`]: { operation: 'team.suspend' },
  [`POST ${members}/resume`]: { operation: 'team.resume', after: ['POST', `${members}/suspend`] },
  [`POST ${members}/limits/:limit/raise`]: { operation: 'team.raise', body: aRaise },
  [`DELETE ${members}/raises/:raise`]: { operation: 'team.withdraw' },
  [`POST ${members}/users`]: { operation: 'user.create', body: { id: 'bob' } },
  [`PATCH ${members}/users/:user`]: { operation: 'user.change', body: { name: 'Ana' } },
  [`DELETE ${members}/users/:user`]: { operation: 'user.delete', ends: ['token.revoke'] },
  [`POST ${members}/users/:user/suspend`]: { operation: 'user.suspend' },
  [`POST ${members}/users/:user/resume`]: {
    operation: 'user.resume',
    after: ['POST', `${members}/users/:user/suspend`],
  },
  [`POST ${members}/users/:user/limits/:limit/raise`]: { operation: 'user.raise', body: aRaise },
  [`DELETE ${members}/users/:user/raises/:raise`]: { operation: 'user.withdraw' },
  [`POST ${members}/tokens`]: { operation: 'token.issue', body: { user: 'ana' } },
  [`DELETE ${members}/tokens`]: {
    operation: 'token.delete',
    after: ['DELETE', `${members}/tokens/:id`],
    laterMs: 60_000,
    parameters: '?ended_before=2027-01-01',
  },
  [`PATCH ${members}/tokens/:id`]: { operation: 'token.change', body: { name: 'laptop' } },
  [`DELETE ${members}/tokens/:id`]: { operation: 'token.revoke' },
  [`POST ${members}/tokens/:id/rotate`]: { operation: 'token.rotate' },
  [`POST ${members}/tokens/:id/limits/:limit/raise`]: { operation: 'token.raise', body: aRaise },
  [`DELETE ${members}/tokens/:id/raises/:raise`]: { operation: 'token.withdraw' },
  [`POST ${members}/end-users/:end_user/suspend`]: { operation: 'team.suspend_end_user' },
  [`POST ${members}/end-users/:end_user/resume`]: {
    operation: 'team.resume_end_user',
    after: ['POST', `${members}/end-users/:end_user/suspend`],
  },
  ...changesOfWebhooks(`${members}/webhooks`),
  ...changesOfWebhooks('/admin/webhooks'),
  'PATCH /admin/settings': { operation: 'settings.change', body: { defaults: null, limits: [] } },
  'PUT /admin/prices/:model{.+}': { operation: 'price.create', body: prices },
  'DELETE /admin/prices/:model{.+}': {
    operation: 'price.delete',
    after: ['PUT', '/admin/prices/:model{.+}', prices],
  },
  'POST /admin/admins': { operation: 'administrator.create', body: { role: 'auditor' } },
  'DELETE /admin/admins/:id': { operation: 'administrator.delete' },
  'POST /admin/import': { operation: 'import.write', body: imported },
};

const mutating = adminRoutes(new Harness().deps()).flatMap(({ path, methods }) =>
  Object.keys(methods)
    .filter((method) => method !== 'GET')
    .map((method) => `${method} ${path}`),
);

let admin: Harness;
let tokenId: string;
let administratorId: string;

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
  tokenId = (await admin.issue()).id;
  const { body } = await admin.call('POST', '/admin/admins', { role: 'admin' });
  administratorId = body['id'] as string;
});

function pathOf(pattern: string): string {
  const id = pattern.startsWith('/admin/admins') ? administratorId : tokenId;
  const ofWebhook = pattern.includes('/webhooks/') ? ':id' : id;
  return pattern
    .replace(':team', 'acme')
    .replace(':end_user', 'visitor-7')
    .replace(':user', 'ana')
    .replace(':id', ofWebhook)
    .replace(':model{.+}', 'chatty');
}

/** The path with the ids of a limit and its raise, if it names any. */
async function withRaise(path: string): Promise<string> {
  const [, record] = /^(.*)\/(?:limits|raises)\//.exec(path) ?? [];
  if (record === undefined) return path;
  const { limit, raise } = await raisedLimit(admin, record);
  return path.replace(':limit', limit).replace(':raise', raise);
}

/** The path with the id of a webhook, if it names one. */
async function withWebhook(path: string, isDisabled: boolean): Promise<string> {
  const [collection = '', rest] = path.split('/:id');
  if (rest === undefined) return path;
  const { body } = await admin.call('POST', collection, hook);
  const id = body['id'] as string;
  const expected = (await admin.webhooks.read(id)) ?? '';
  const record = JSON.parse(expected) as Webhook;
  const next = JSON.stringify({ ...record, disabled_at: record.created_at, disabled_because: 'Gone.' });
  if (isDisabled) await admin.webhooks.replace(record, { expected, next });
  return `${collection}/${id}${rest}`;
}

async function trail(query = ''): Promise<JsonObject[]> {
  const { body } = await admin.call('GET', `/admin/audit${query}`);
  return body['data'] as JsonObject[];
}

describe('the trail', () => {
  it('is asked of every operation that can change something', () => {
    expect(Object.keys(changes).toSorted()).toEqual(mutating.toSorted());
  });
});

describe.each(mutating)('%s', (name) => {
  const [method = '', pattern = ''] = name.split(' ');
  const headers = { 'x-request-id': 'request-id-0123456789', 'x-forwarded-for': '198.51.100.7, 203.0.113.9' };

  it('leaves its entry, with who asked, from where and in which request', async () => {
    const change: Change = changes[name] ?? { operation: 'unknown' };
    const { operation, ends = [], body, after, laterMs = 0, parameters = '', disabled = false } = change;
    if (after) await admin.call(after[0], pathOf(after[1]), after[2]);
    admin.nowMs += laterMs;
    const path = await withWebhook(await withRaise(pathOf(pattern)), disabled);
    const before = await trail();
    const { status } = await admin.call(method, path + parameters, body, headers);
    expect(status).toBeLessThan(300);
    const all = await trail();
    const made = all.slice(0, all.length - before.length).toReversed();
    expect(all.slice(made.length)).toEqual(before);
    expect(made).toMatchObject(
      [operation, ...ends].map((each, n) => ({
        sequence: before.length + 1 + n,
        operation: each,
        actor: 'root',
        address: '203.0.113.9',
        request_id: 'request-id-0123456789',
      })),
    );
    expect(admin.heads.at(-1)).toEqual({ sequence: all[0]?.['sequence'], hash: all[0]?.['hash'] });
  });

  it('leaves none where it is refused', async () => {
    const before = await trail();
    const refused = await admin.call(method, pathOf(pattern), { nonsense: true }, bearer('not-the-key'));
    expect(refused.status).toBe(401);
    expect(await trail()).toEqual(before);
  });
});

describe('GET /admin/audit', () => {
  it('names administrators by their ids', async () => {
    const { body } = await admin.call('POST', '/admin/admins', { role: 'admin' });
    await admin.call('POST', '/admin/teams', { id: 'beta' }, bearer(body['token'] as string));
    expect(await trail('?team=beta')).toMatchObject([{ actor: body['id'], operation: 'team.create' }]);
  });

  it('has a claim beside the token it is for', async () => {
    const { body } = await admin.call('POST', '/admin/teams/acme/tokens', { user: 'ana', claim: true });
    const id = body['id'];
    expect((await trail('?limit=2')).map((entry) => [entry['operation'], entry['id']])).toEqual([
      ['claim.issue', id],
      ['token.issue', id],
    ]);
  });

  it('has the token whose claim came to nothing, without a claim', async () => {
    const make = (): Promise<never> => Promise.reject(new StoreUnavailable('The store went away.'));
    const reply = await adminApp({ ...admin.deps(), claims: { make } }).request('/admin/teams/acme/tokens', {
      method: 'POST',
      headers: bearer(adminKey),
      body: JSON.stringify({ user: 'ana', claim: true }),
    });
    expect(reply.status).toBe(503);
    expect((await trail('?limit=2')).map(({ operation }) => operation)).toEqual([
      'token.issue',
      'administrator.create',
    ]);
  });

  it('is narrowed and read in pages, the newest first', async () => {
    expect((await trail('?operation=token.issue&actor=root&team=acme')).map(({ id }) => id)).toEqual([
      tokenId,
    ]);
    const first = await admin.call('GET', '/admin/audit?limit=3');
    const cursor = first.body['next_cursor'] as string;
    const second = await admin.call('GET', `/admin/audit?limit=3&cursor=${cursor}`);
    const numbers = [first, second].map(({ body }) =>
      (body['data'] as JsonObject[]).map(({ sequence }) => sequence),
    );
    expect(numbers).toEqual([[4, 3, 2], [1]]);
    expect(second.body['next_cursor']).toBeNull();
    expect(await trail('?from=2026-02-03&to=2026-02-03')).toHaveLength(4);
    expect(await trail('?to=2026-02-02')).toEqual([]);
  });

  it.each(['*', '%', '"]); return 1 --', '=1+1', '[^a]*', '.*'])('takes %j for what it is', async (text) => {
    expect(await trail(`?actor=${encodeURIComponent(text)}`)).toEqual([]);
    expect(await trail(`?operation=${encodeURIComponent(text)}`)).toEqual([]);
  });

  it.each([
    ['actor=root%0A', 'actor'],
    ['operation=%00', 'operation'],
    ['limit=1001', 'limit'],
    ['limit=0', 'limit'],
    ['limit=10000000', 'limit'],
    ['cursor=*', 'cursor'],
    ['from=yesterday', 'from'],
    ['team=A*', 'team'],
    [`actor=${'a'.repeat(101)}`, 'actor'],
    ['actor=', 'actor'],
    ['operation=a&operation=b', 'operation'],
    ['kind=team', 'kind'],
    ['from=2026-02-03&to=2026-02-01', 'from'],
  ])('refuses ?%s, naming it', async (query, param) => {
    const answer = await admin.call('GET', `/admin/audit?${query}`);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)['code']).toBe('invalid_request');
    expect(problemsOf(answer)).toContain(param);
  });

  it('comes as NDJSON too, all of it where no limit is given', async () => {
    for (let n = 0; n < 60; n += 1) await admin.call('POST', '/admin/teams', { id: `team-${n}` });
    const reply = await admin.request('GET', '/admin/audit?format=ndjson');
    expect(reply.headers.get('content-type')).toBe('application/x-ndjson');
    const rows = (await reply.text()).trimEnd().split('\n');
    expect(rows.map((row) => JSON.parse(row) as JsonObject)).toEqual(await trail('?limit=1000'));
    expect(rows).toHaveLength(64);
    const two = await admin.request('GET', '/admin/audit?format=ndjson&limit=2');
    expect((await two.text()).trimEnd().split('\n')).toHaveLength(2);
    expect(two.headers.get('x-next-cursor')).toMatch(/^\d+-\d+$/);
  });

  it('comes as CSV that no spreadsheet runs', async () => {
    const requestId = '=1+1+1+1+1+1+1+1+1+1+1';
    await admin.call(
      'PATCH',
      '/admin/teams/acme',
      { name: '=HYPERLINK("x")' },
      { 'x-request-id': requestId },
    );
    const [titles, first = ''] = (await (await admin.request('GET', '/admin/audit?format=csv')).text()).split(
      '\r\n',
    );
    expect(titles).toBe(
      'sequence,time,actor,address,request_id,operation,kind,team,id,before,after,hash,erased,reported_url',
    );
    expect(first).toContain(`,'${requestId},team.change,team,acme,acme,`);
    expect(first).toContain('"{""name"":""=HYPERLINK(\\""x\\"")""}"');
  });

  it('has no secret, and no hash of one, whatever was done', async () => {
    const issued = await admin.issue();
    const rotated = await admin.call('POST', `/admin/teams/acme/tokens/${issued.id}/rotate`);
    const made = await admin.call('POST', '/admin/admins', { role: 'auditor' });
    const claimed = await admin.call('POST', '/admin/teams/acme/tokens', { user: 'ana', claim: true });
    const exported = await admin.call('GET', '/admin/export');
    await admin.call('DELETE', `/admin/admins/${made.body['id'] as string}`);
    await admin.call('DELETE', '/admin/teams/acme');
    await admin.call('POST', '/admin/import', exported.body);
    const texts = [issued.text, rotated.body['token'], made.body['token'], adminKey].map(String);
    const code = (claimed.body['claim_url'] as string).split('/').at(-1) ?? '';
    const told = JSON.stringify([await trail('?limit=1000'), admin.heads]);
    expect(told).toContain('import.write');
    for (const secret of [...texts, code]) {
      expect(told).not.toContain(secret);
      expect(told).not.toContain(secret.slice(16));
      expect(told).not.toContain(hashToken(secret));
      expect(told).not.toContain(Buffer.from(hashToken(secret), 'base64url').toString('hex'));
    }
  });
});

describe('GET /admin/audit/verify', () => {
  async function verified(): Promise<Record<string, unknown>> {
    const { status, body } = await admin.call('GET', '/admin/audit/verify');
    expect(status).toBe(200);
    return body;
  }

  it('finds a trail intact that nobody has altered', async () => {
    const { entries, head } = await verified();
    const [newest] = await trail();
    expect(entries).toBe(newest?.['sequence']);
    expect(head).toEqual({ sequence: newest?.['sequence'], hash: newest?.['hash'] });
    expect(await verified()).toMatchObject({ intact: true, complete: true, erased: 0, flaw: null });
  });

  it('names the entry of a trail that somebody has altered', async () => {
    const entries = admin.audit.entries.bind(admin.audit);
    admin.audit.entries = async (query) => {
      const page = await entries(query);
      return {
        ...page,
        data: page.data.map((entry) =>
          'sequence' in entry && entry.sequence === 2 ? { ...entry, actor: 'tok_x' } : entry,
        ),
      };
    };
    expect(await verified()).toMatchObject({ intact: false, flaw: { sequence: 2, kind: 'altered' } });
  });

  it('checks the newest entries of a long trail, and says so', async () => {
    const [newest] = await trail();
    const [first] = await admin.audit.entries({ limit: 1, cursor: null }).then(({ data }) => data);
    if (!first || !newest) throw new Error('There are entries.');
    let sequence = 1_000_000;
    admin.audit.entries = async ({ limit }) => ({
      data: Array.from({ length: limit }, () => ({ ...first, sequence: sequence-- })),
      next_cursor: '1-1',
    });
    expect(await verified()).toMatchObject({ entries: 50_000, complete: false });
  });
});
