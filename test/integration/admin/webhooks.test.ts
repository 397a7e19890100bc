import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/request.ts';
import { mostWebhooks, type Webhook } from '../../../src/identity/records/webhook.ts';
import { bearer, errorOf, Harness, problemsOf, type Answer } from './harness.ts';

const url = 'https://hooks.example.com/services/T0CANARY?key=CANARY1';
const slackUrl = 'https://hooks.slack.com/services/T0CANARY/B1CANARY/abc';
const owners = ['/admin/webhooks', '/admin/teams/acme/webhooks'] as const;

let admin: Harness;

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
});

async function made(path: string, body: JsonObject = { url }): Promise<{ at: string; body: JsonObject }> {
  const answer = await admin.call('POST', path, body);
  expect(answer.status).toBe(201);
  return { at: `${path}/${answer.body['id'] as string}`, body: answer.body };
}

async function disable(id: string): Promise<void> {
  const expected = (await admin.webhooks.read(id)) ?? '';
  const record = JSON.parse(expected) as Webhook;
  const next = JSON.stringify({ ...record, disabled_at: record.created_at, disabled_because: 'Gone.' });
  expect(await admin.webhooks.replace(record, { expected, next })).toBe('replaced');
}

async function storedOf(at: string): Promise<Webhook> {
  const text = (await admin.webhooks.read(at.split('/').at(-1) ?? '')) ?? '';
  return JSON.parse(text) as Webhook;
}

describe.each(owners)('%s', (path) => {
  const team = path.includes('acme') ? 'acme' : null;

  it('creates a webhook, and tells its secret this once', async () => {
    const { at, body } = await made(path, { url, name: 'Pager', events: ['token.leaked', 'token.leaked'] });
    expect(body).toMatchObject({
      team,
      name: 'Pager',
      url,
      format: 'standard',
      events: ['token.leaked'],
      state: 'ok',
      waiting: 0,
      disabled_at: null,
      old_secret_expires_at: null,
      created_at: new Date(admin.nowMs).toISOString(),
    });
    expect(body['id']).toMatch(/^wh_[0-9A-Za-z]{12}$/);
    const secret = body['secret'] as string;
    expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32);
    const again = [
      await admin.call('GET', at),
      await admin.call('GET', path),
      await admin.call('PATCH', at, { name: 'x' }),
      await admin.call('GET', `${at}/deliveries`),
    ];
    expect(again.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(JSON.stringify(again.map((answer) => answer.body))).not.toContain(secret);
  });

  it('writes for a chat that it knows by its host, without a secret', async () => {
    const { body } = await made(path, { url: slackUrl });
    expect(body).toMatchObject({ format: 'slack', secret: null });
    for (const known of [
      'https://discord.com/api/webhooks/1/a',
      'https://acme.webhook.office.com/webhookb2/a',
      'https://prod-1.westus.logic.azure.com/workflows/a',
    ]) {
      expect((await admin.call('POST', path, { url: known })).body).toMatchObject({ format: 'slack' });
    }
    const signed = await admin.call('POST', path, { url: slackUrl, format: 'standard' });
    expect(signed.body).toMatchObject({
      format: 'standard',
      secret: expect.stringMatching(/^whsec_/) as string,
    });
  });

  it.each([
    ['http://hooks.example.com', 'url'],
    ['ftp://hooks.example.com', 'url'],
    ['hooks.example.com', 'url'],
    ['', 'url'],
    ['https://user:pass@hooks.example.com', 'url'],
    ['https://127.0.0.1/', 'url'],
    ['https://0x7f.1/', 'url'],
    ['https://2130706433/', 'url'],
    ['https://[::1]/', 'url'],
    ['https://[::ffff:169.254.169.254]/', 'url'],
    ['https://169.254.169.254/latest/meta-data', 'url'],
    [`https://hooks.example.com/${'a'.repeat(2_000)}`, 'url'],
    ['https://hooks.slack.com', 'url'],
  ])('refuses to send to %s', async (address, param) => {
    const refused = await admin.call('POST', path, { url: address });
    expect(refused.status).toBe(400);
    expect(problemsOf(refused)).toContain(param);
    if (address.length > 20) expect(JSON.stringify(refused.body)).not.toContain(address);
    expect((await admin.call('GET', path)).body).toEqual({ data: [] });
  });

  it('sends to a private host only if the operator has named it', async () => {
    expect((await admin.call('POST', path, { url: 'http://hooks.internal/a' })).status).toBe(201);
  });

  it('names the fields that are wrong', async () => {
    const wrong = await admin.call('POST', path, {
      url: 5,
      name: '',
      format: 'xml',
      events: ['x'],
      secret: 'y',
    });
    expect(new Set(problemsOf(wrong))).toEqual(new Set(['url', 'name', 'format', 'events.0', 'secret']));
    expect(problemsOf(await admin.call('POST', path, {}))).toContain('url');
    expect(problemsOf(await admin.call('POST', path, { url, events: [] }))).toContain('events');
    expect(problemsOf(await admin.call('POST', path, { url, events: ['webhook.test'] }))).toContain(
      'events.0',
    );
    const { at } = await made(path);
    expect(problemsOf(await admin.call('PATCH', at, { url: null }))).toContain('url');
    expect(problemsOf(await admin.call('PATCH', at, { format: 'slack' }))).toContain('format');
  });

  it('changes what is sent, and keeps what is left out', async () => {
    const { at } = await made(path, { url, name: 'Pager', events: ['token.leaked'] });
    const before = await storedOf(at);
    const changed = await admin.call('PATCH', at, { url: `${url}2`, events: null });
    expect(changed.body).toMatchObject({ url: `${url}2`, name: 'Pager', events: null });
    expect((await storedOf(at)).secrets).toEqual(before.secrets);
    expect((await admin.call('PATCH', at, { name: null })).body).toMatchObject({ name: null });
  });

  it('signs with the old secret beside the new one, until the overlap ends', async () => {
    const { at, body } = await made(path);
    const rotated = await admin.call('POST', `${at}/rotate`);
    const inADay = new Date(admin.nowMs + 86_400_000).toISOString();
    expect(rotated.body).toMatchObject({ old_secret_expires_at: inADay });
    expect((await storedOf(at)).secrets).toEqual([
      { text: rotated.body['secret'] },
      { text: body['secret'], until: inADay },
    ]);
    const soon = await admin.call('POST', `${at}/rotate`, { overlap_seconds: 60 });
    expect((await storedOf(at)).secrets).toEqual([
      { text: soon.body['secret'] },
      { text: rotated.body['secret'], until: new Date(admin.nowMs + 60_000).toISOString() },
    ]);
    const last = await admin.call('POST', `${at}/rotate`, { overlap_seconds: 0 });
    expect((await storedOf(at)).secrets).toEqual([{ text: last.body['secret'] }]);
    expect(last.body).toMatchObject({ old_secret_expires_at: null });
  });

  it('has no secret to rotate for a chat', async () => {
    const { at } = await made(path, { url: slackUrl });
    const refused = await admin.call('POST', `${at}/rotate`);
    expect([refused.status, errorOf(refused)['code']]).toEqual([412, 'precondition_failed']);
  });

  it('keeps to If-Match', async () => {
    const { at } = await made(path);
    const etag = (await admin.call('GET', at)).headers.get('etag') ?? '';
    const stale = { 'if-match': '"stale"' };
    for (const [method, to, body] of [
      ['PATCH', at, { name: 'x' }],
      ['POST', `${at}/rotate`, undefined],
      ['POST', `${at}/enable`, undefined],
      ['DELETE', at, undefined],
    ] as const) {
      expect((await admin.call(method, to, body, stale)).status).toBe(412);
    }
    const changed = await admin.call('PATCH', at, { name: 'x' }, { 'if-match': etag });
    expect(changed.status).toBe(200);
    const next = { 'if-match': changed.headers.get('etag') ?? '' };
    expect((await admin.call('DELETE', at, undefined, next)).status).toBe(204);
    expect((await admin.call('GET', at)).status).toBe(404);
  });

  it('says that a webhook is disabled, and why, until it is enabled', async () => {
    const { at, body } = await made(path);
    await disable(body['id'] as string);
    expect((await admin.call('GET', at)).body).toMatchObject({
      state: 'disabled',
      disabled_because: 'Gone.',
    });
    const enabled = await admin.call('POST', `${at}/enable`);
    expect(enabled.body).toMatchObject({ state: 'ok', disabled_at: null, disabled_because: null });
    expect((await admin.call('POST', `${at}/enable`)).status).toBe(200);
  });

  it('sends a test at once, and tells how that went', async () => {
    const { at, body } = await made(path, { url, events: ['token.leaked'] });
    await disable(body['id'] as string);
    const test = await admin.call('POST', `${at}/test`);
    expect(test).toMatchObject({
      status: 200,
      body: { outcome: 'test_delivered', status: 204, error: null },
    });
    expect(admin.sent).toMatchObject([
      {
        webhook: { url },
        event: { type: 'webhook.test', team, data: { webhook: body['id'], actor: 'root' } },
      },
    ]);
    admin.taken = { kind: 'failed', status: null, error: 'refused_address', retryAfterMs: null };
    const failed = await admin.call('POST', `${at}/test`);
    expect(failed).toMatchObject({ status: 200, body: { outcome: 'test_failed', error: 'refused_address' } });
    const log = await admin.call('GET', `${at}/deliveries`);
    expect(log.body).toEqual({ data: [failed.body, test.body], waiting: 0 });
    expect((await admin.call('GET', `${at}/deliveries?limit=1`)).body).toEqual({
      data: [failed.body],
      waiting: 0,
    });
  });

  it('has no more than there may be', async () => {
    const most = team === null ? mostWebhooks.gateway : mostWebhooks.team;
    for (let n = 0; n < most; n += 1) await made(path);
    const refused = await admin.call('POST', path, { url });
    expect([refused.status, errorOf(refused)['code']]).toEqual([429, 'insufficient_quota']);
    expect(errorOf(refused)['message']).toContain(String(most));
  });

  it('shows an auditor the host of an address, and nothing that comes after it', async () => {
    const { at } = await made(path);
    const { body } = await admin.call('POST', '/admin/admins', { role: 'auditor' });
    const auditor = bearer(body['token'] as string);
    for (const to of [at, path, `${at}/deliveries`]) {
      const answer = await admin.call('GET', to, undefined, auditor);
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer.body)).not.toContain('CANARY');
    }
    expect((await admin.call('GET', at, undefined, auditor)).body).toMatchObject({
      url: 'https://hooks.example.com/…',
    });
  });

  it('puts no secret and no path into the audit trail, an export or a log', async () => {
    const { at, body } = await made(path);
    const rotated = await admin.call('POST', `${at}/rotate`);
    await admin.call('PATCH', at, { url: slackUrl });
    await admin.call('POST', `${at}/test`);
    await admin.call('POST', `${at}/enable`);
    await admin.call('DELETE', (await made(path)).at);
    const seen = [
      await admin.call('GET', '/admin/audit'),
      await admin.call('GET', '/admin/export'),
      await admin.call('GET', `${at}/deliveries`),
    ].map((answer: Answer) => JSON.stringify(answer.body));
    for (const secret of [body['secret'], rotated.body['secret'], 'CANARY', 'services']) {
      expect(seen.filter((text) => text.includes(secret as string))).toEqual([]);
    }
    expect(seen[0]).toContain('"url":"https://hooks.slack.com"');
    expect(JSON.stringify([admin.heads, admin.errors])).not.toMatch(/whsec_|CANARY/);
  });
});

describe('webhooks of teams', () => {
  it('are known in their team only, and go with it', async () => {
    const { at, body } = await made('/admin/teams/acme/webhooks');
    await admin.call('POST', '/admin/teams', { id: 'beta' });
    const id = body['id'] as string;
    for (const elsewhere of ['/admin/webhooks', '/admin/teams/beta/webhooks']) {
      expect((await admin.call('GET', elsewhere)).body).toEqual({ data: [] });
      for (const [method, to] of [
        ['GET', `${elsewhere}/${id}`],
        ['PATCH', `${elsewhere}/${id}`],
        ['DELETE', `${elsewhere}/${id}`],
        ['POST', `${elsewhere}/${id}/rotate`],
        ['POST', `${elsewhere}/${id}/enable`],
        ['POST', `${elsewhere}/${id}/test`],
        ['GET', `${elsewhere}/${id}/deliveries`],
      ] as const) {
        expect([to, (await admin.call(method, to, method === 'PATCH' ? {} : undefined)).status]).toEqual([
          to,
          404,
        ]);
      }
    }
    expect((await admin.call('GET', at)).status).toBe(200);
    expect(admin.sent).toEqual([]);
    await admin.call('DELETE', '/admin/teams/acme');
    await admin.call('POST', '/admin/teams', { id: 'acme' });
    expect((await admin.call('GET', '/admin/teams/acme/webhooks')).body).toEqual({ data: [] });
  });

  it('take no types that concern the gateway alone', async () => {
    const refused = await admin.call('POST', '/admin/teams/acme/webhooks', {
      url,
      events: ['store.filling'],
    });
    expect(problemsOf(refused)).toContain('events.0');
    expect((await admin.call('POST', '/admin/webhooks', { url, events: ['store.filling'] })).status).toBe(
      201,
    );
  });

  it('are nowhere for a team there is not', async () => {
    expect((await admin.call('POST', '/admin/teams/gone/webhooks', { url })).status).toBe(404);
    expect((await admin.call('GET', '/admin/teams/gone/webhooks')).status).toBe(404);
  });
});

it('an imported webhook is disabled until it has a secret, or the rest of its address', async () => {
  const { at } = await made('/admin/webhooks');
  const chat = await made('/admin/webhooks', { url: slackUrl });
  const { body: document } = await admin.call('GET', '/admin/export');
  for (const each of [at, chat.at]) await admin.call('DELETE', each);
  expect((await admin.call('POST', '/admin/import', document)).body).toMatchObject({ created: 2 });
  expect((await admin.call('GET', at)).body).toMatchObject({
    state: 'disabled',
    url: 'https://hooks.example.com',
  });
  for (const each of [at, chat.at]) expect((await admin.call('POST', `${each}/enable`)).status).toBe(412);
  await admin.call('POST', `${at}/rotate`);
  await admin.call('PATCH', chat.at, { url: slackUrl });
  for (const each of [at, chat.at]) {
    expect((await admin.call('POST', `${each}/enable`)).body).toMatchObject({ state: 'ok' });
  }
});
