import { beforeEach, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { documentOf, tokenRow, userRow } from '../../support/documents.ts';
import { errorOf, Harness, problemsOf } from './harness.ts';

let admin: Harness;

beforeEach(() => {
  admin = new Harness();
});

describe('GET /admin/export', () => {
  it('gives one document, with hashes and limit ids and never a token', async () => {
    await admin.seed();
    await admin.call('PATCH', '/admin/teams/acme', { limits: [{ metric: 'concurrency', max: 3 }] });
    const { text, id } = await admin.issue();
    const { status, body } = await admin.call('GET', '/admin/export');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      tollgate_export: 1,
      exported_at: '2026-02-03T12:30:00.000Z',
      store: expect.any(String) as string,
      teams: [
        {
          id: 'acme',
          limits: [{ id: expect.stringMatching(/^\w{12}$/) as string, metric: 'concurrency', max: 3 }],
        },
      ],
      users: [{ id: 'ana', team: 'acme' }],
      tokens: [{ id, secret_hashes: [expect.stringMatching(/^[\w-]{43}$/) as string] }],
    });
    expect(JSON.stringify(body)).not.toContain(text);
  });

  it('of one team, or 404', async () => {
    await admin.seed();
    await admin.call('POST', '/admin/teams', { id: 'beta' });
    expect((await admin.call('GET', '/admin/export?team=beta')).body).toMatchObject({
      teams: [{ id: 'beta' }],
      users: [],
    });
    expect((await admin.call('GET', '/admin/export?team=gone')).status).toBe(404);
  });

  it.each(['?team=*', '?team=a%0Ab', '?team=', '?all=true', '?team=a&team=b'])(
    '400 for %s',
    async (query) => {
      const answer = await admin.call('GET', `/admin/export${query}`);
      expect([answer.status, errorOf(answer)['code']]).toEqual([400, 'invalid_request']);
    },
  );

  it('503 while the store is away', async () => {
    admin.archive.storeName = () => Promise.reject(new StoreUnavailable('gone'));
    expect((await admin.call('GET', '/admin/export')).status).toBe(503);
  });
});

describe('POST /admin/import', () => {
  it('409 for an address or an account of another user of the team, in the store or in the document', async () => {
    await admin.seed();
    await admin.call('PATCH', '/admin/teams/acme/users/ana', { email: 'ana@example.com' });
    const subject = { issuer: 'https://id.example.com', sub: '1' };
    const users = [
      userRow('bob', { email: 'ANA@example.com' }),
      userRow('carl', { subject }),
      userRow('dora', { subject }),
    ];
    const refused = await admin.call(
      'POST',
      '/admin/import',
      documentOf({ users: [userRow('ana'), ...users], tokens: [] }),
    );
    expect([refused.status, errorOf(refused)['code'], problemsOf(refused)]).toEqual([
      409,
      'already_exists',
      ['users.1.email', 'users.3.subject'],
    ]);
    expect((await admin.call('GET', '/admin/teams/acme/users/carl')).status).toBe(404);
  });

  it('lets users trade addresses', async () => {
    await admin.seed();
    await admin.call('PATCH', '/admin/teams/acme/users/ana', { email: 'one@example.com' });
    await admin.call('POST', '/admin/teams/acme/users', { id: 'bob', email: 'two@example.com' });
    const { body } = await admin.call('GET', '/admin/export');
    const traded = JSON.parse(
      JSON.stringify(body).replace('one@', 'x@').replace('two@', 'one@').replace('x@', 'two@'),
    ) as object;
    const report = await admin.call('POST', '/admin/import?overwrite=true', traded);
    expect([report.status, report.body]).toMatchObject([200, { overwritten: 2 }]);
  });

  it('brings everything back to an empty gateway, and says what it did', async () => {
    await admin.seed();
    const live = await admin.issue();
    const revoked = await admin.issue();
    await admin.call('DELETE', `/admin/teams/acme/tokens/${revoked.id}`);
    const { body: document } = await admin.call('GET', '/admin/export');
    const { body: before } = await admin.call('GET', '/admin/teams/acme/tokens');

    const empty = new Harness();
    const report = await empty.call('POST', '/admin/import', document);
    expect([report.status, report.body]).toEqual([
      200,
      { created: 4, unchanged: 0, kept: 0, overwritten: 0, revoked: 0 },
    ]);
    expect((await empty.call('GET', '/admin/teams/acme/tokens')).body).toEqual(before);
    for (const { text } of [live, revoked]) {
      const answer = await empty.call('GET', '/admin/teams', undefined, { authorization: `Bearer ${text}` });
      expect(errorOf(answer)['code']).toBe(text === live.text ? 'role_not_allowed' : 'revoked_token');
    }
    expect((await empty.call('POST', '/admin/import', document)).body).toMatchObject({
      unchanged: 4,
      created: 0,
    });
  });

  it('overwrites only when told to', async () => {
    await admin.call('POST', '/admin/import', documentOf());
    await admin.call('PATCH', '/admin/teams/acme', { name: 'Changed' });
    expect((await admin.call('POST', '/admin/import', documentOf())).body).toMatchObject({ kept: 1 });
    const answer = await admin.call('POST', '/admin/import?overwrite=true', documentOf());
    expect(answer.body).toMatchObject({ overwritten: 1, unchanged: 2 });
    expect((await admin.call('GET', '/admin/teams/acme')).body).toMatchObject({ name: null });
  });

  it('with bad rows changes nothing, and names each', async () => {
    const tokens = [
      tokenRow('tok_1'),
      tokenRow('tok\n2'),
      tokenRow('tok_3', { user: 'nobody', isAdmin: true }),
    ];
    const answer = await admin.call('POST', '/admin/import', documentOf({ tokens }));
    expect(answer.status).toBe(400);
    expect(problemsOf(answer)).toEqual(['tokens.1.id', 'tokens.2.isAdmin']);
    expect((await admin.call('GET', '/admin/teams')).body).toEqual({ data: [] });
  });

  it('409 for the secret of another token', async () => {
    await admin.call('POST', '/admin/import', documentOf());
    const stolen = tokenRow('tok_2', { secret_hashes: tokenRow('tok_1')['secret_hashes'] ?? [] });
    const answer = await admin.call('POST', '/admin/import', documentOf({ tokens: [stolen] }));
    expect([answer.status, errorOf(answer)['code']]).toEqual([409, 'already_exists']);
  });

  it.each([
    ['?overwrite=yes', 400],
    ['?force=true', 400],
    ['', 200],
    ['?overwrite=false', 200],
  ])('%s: %i', async (query, status) => {
    expect((await admin.call('POST', `/admin/import${query}`, documentOf())).status).toBe(status);
  });

  it.each<[string, string | Uint8Array, number, string]>([
    ['nothing', '', 400, 'invalid_json'],
    ['a list', '[]', 400, 'invalid_json'],
    ['what is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'invalid_json'],
    ['another document', '{"data":[]}', 400, 'invalid_body'],
    ['more than 16 MiB', ' '.repeat(16_777_217), 413, 'body_too_large'],
  ])('refuses %s', async (_, body, status, code) => {
    const answer = await admin.call('POST', '/admin/import', body);
    expect([answer.status, errorOf(answer)['code']]).toEqual([status, code]);
  });

  it('405 for other methods', async () => {
    expect((await admin.call('GET', '/admin/import')).headers.get('allow')).toBe('POST');
    expect((await admin.call('POST', '/admin/export', {})).headers.get('allow')).toBe('GET, HEAD');
  });
});
