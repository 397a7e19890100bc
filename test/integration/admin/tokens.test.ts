import { beforeEach, describe, expect, it } from 'vitest';
import { hashToken, inspectToken } from '../../../src/identity/records/token-text.ts';
import { errorOf, Harness, problemsOf } from './harness.ts';
import { identityBehind } from '../../support/identity-behind.ts';

const tokens = '/admin/teams/acme/tokens';
const created_at = '2026-02-03T12:30:00.000Z';
let admin: Harness;

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
});

describe('POST /admin/teams/:team/tokens', () => {
  it('201 with the token, its text this once', async () => {
    const policy = {
      name: 'laptop',
      models: ['claude-haiku'],
      endpoints: ['/v1/embeddings'],
      origins: ['https://app.example.com', 'none'],
      tools: ['code_exec_python'],
      limits: [{ metric: 'tokens', window: 'hour', max: 1_000 }],
    };
    await admin.call('PATCH', '/admin/teams/acme', { tools: policy.tools });
    const { status, body } = await admin.call('POST', tokens, { user: 'ana', expires_in: 60, ...policy });
    expect(status).toBe(201);
    const { id, token, prefix, ...rest } = body as { id: string; token: string; prefix: string };
    expect(rest).toEqual({
      team: 'acme',
      user: 'ana',
      ...policy,
      limits: [{ id: expect.any(String) as string, ...policy.limits[0] }],
      max_session_body_bytes: null,
      frames: null,
      secrets: [{ prefix, created_at, expires_at: null, last_used_at: null }],
      expires_at: '2026-02-03T12:31:00.000Z',
      revoked_at: null,
      created_at,
    });
    expect(id).toMatch(/^tok_[0-9A-Za-z]{12}$/);
    expect(inspectToken(token)).toEqual({ ok: true, kind: 'user' });
    expect(prefix).toBe(token.slice(0, 12));
    expect((await identityBehind(admin.identities, hashToken(token)))?.token.id).toBe(id);
  });

  it('201 with the user alone: no restriction, no expiry', async () => {
    const { body } = await admin.call('POST', tokens, { user: 'ana' });
    expect(body).toMatchObject({
      name: null,
      models: null,
      endpoints: null,
      origins: null,
      tools: null,
      limits: [],
      expires_at: null,
    });
  });

  it('201 with a time in another zone, told in UTC', async () => {
    const expires_at = '2027-01-01T01:00:00+02:00';
    const { body } = await admin.call('POST', tokens, { user: 'ana', expires_at });
    expect(body['expires_at']).toBe('2026-12-31T23:00:00.000Z');
  });

  it('201 and empty lists stay empty: they allow nothing', async () => {
    const lists = { models: [], endpoints: [], origins: [], tools: [] };
    expect((await admin.call('POST', tokens, { user: 'ana', ...lists })).body).toMatchObject(lists);
  });

  it.each([
    ['an unknown path', { endpoints: ['/v1/other'] }, ['endpoints.0']],
    ['origins that are none', { origins: ['*', 'https://a.com/', 'null', 'a.com'] }, 4],
    ['models that are none', { models: ['', 'a b', 'x'.repeat(129)] }, 3],
    ['tools that are none', { tools: ['', 'a b'] }, 2],
    ['too long a list', { models: Array.from({ length: 65 }, (_, n) => `m${n}`) }, ['models']],
    ['too many limits', { limits: Array.from({ length: 17 }, () => ({})) }, ['limits']],
    ['both expiries', { expires_in: 60, expires_at: '2027-01-01T00:00:00Z' }, ['expires_at']],
    ['an expiry now', { expires_at: '2026-02-03T12:30:00Z' }, ['expires_at']],
    ['an expiry that is no time', { expires_at: 'tomorrow' }, ['expires_at']],
    ['an expiry without a zone', { expires_at: '2027-01-01T00:00:00' }, ['expires_at']],
    ['an expiry after 9999, in UTC', { expires_at: '9999-12-31T23:59:59-23:59' }, ['expires_at']],
    ['a day there is not', { expires_at: '2027-02-30T00:00:00Z' }, ['expires_at']],
    ['an expiry in no time', { expires_in: 0 }, ['expires_in']],
    ['an expiry past all dates', { expires_in: 2 ** 53 - 1 }, ['expires_in']],
    ['a fraction of a second', { expires_in: 1.5 }, ['expires_in']],
    ['unknown fields', { role: 'admin', token: 'x' }, ['role', 'token']],
    ['no user', { user: undefined }, ['user']],
  ])('400 for %s', async (_, fields, expected) => {
    const answer = await admin.call('POST', tokens, { user: 'ana', ...fields });
    expect(answer.status).toBe(400);
    const problems = problemsOf(answer);
    if (typeof expected === 'number') expect(problems.length).toBeGreaterThanOrEqual(expected);
    else expect(problems).toEqual(expected);
  });

  it('404 without the user, or without the team', async () => {
    const answer = await admin.call('POST', tokens, { user: 'bob' });
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toMatchObject({ code: 'not_found', param: 'user' });
    expect((await admin.call('POST', '/admin/teams/beta/tokens', { user: 'ana' })).status).toBe(404);
  });
});

describe('GET /admin/teams/:team/tokens', () => {
  it('200 with all tokens, revoked ones too, none with its text or hash', async () => {
    const first = await admin.issue();
    const second = await admin.issue();
    await admin.call('DELETE', `${tokens}/${first.id}`);
    const answer = await admin.call('GET', tokens);
    expect(answer.status).toBe(200);
    const listed = answer.body['data'] as { id: string; revoked_at: string | null }[];
    expect(new Map(listed.map(({ id, revoked_at }) => [id, revoked_at]))).toEqual(
      new Map([
        [first.id, created_at],
        [second.id, null],
      ]),
    );
    for (const { text } of [first, second]) {
      expect(JSON.stringify(answer.body)).not.toContain(text);
      expect(JSON.stringify(answer.body)).not.toContain(hashToken(text));
    }
  });

  it('404 without the team', async () => {
    expect((await admin.call('GET', '/admin/teams/beta/tokens')).status).toBe(404);
  });
});

describe('GET /admin/teams/:team/tokens/:id', () => {
  it('200 with the token, without its text', async () => {
    const { id } = await admin.issue();
    const answer = await admin.call('GET', `${tokens}/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.body['id']).toBe(id);
    expect(answer.body).not.toHaveProperty('token');
  });

  it('404 for one there is not, or of another team', async () => {
    const { id } = await admin.issue();
    await admin.call('POST', '/admin/teams', { id: 'beta' });
    expect((await admin.call('GET', `${tokens}/tok_none`)).status).toBe(404);
    expect((await admin.call('GET', `/admin/teams/beta/tokens/${id}`)).status).toBe(404);
  });
});

describe('a token of a team with bounds', () => {
  const bounds = {
    models: ['m'],
    endpoints: ['/v1/embeddings'],
    origins: ['https://app.example.com'],
    tools: ['run@my-app'],
  };
  const beyond = {
    models: ['m', 'n'],
    endpoints: ['/v1/rerank'],
    origins: ['none'],
    tools: ['run@my-app', 'run@other'],
  };

  it('may name all that the team has', async () => {
    await admin.call('PATCH', '/admin/teams/acme', bounds);
    expect((await admin.call('POST', tokens, { user: 'ana', ...bounds })).body).toMatchObject(bounds);
  });

  it('names nothing else, and the 400 has the command that gives it to the team', async () => {
    await admin.call('PATCH', '/admin/teams/acme', bounds);
    const { id } = await admin.issue();
    for (const [field, list] of Object.entries(beyond)) {
      const created = await admin.call('POST', tokens, { user: 'ana', [field]: list });
      const changed = await admin.call('PATCH', `${tokens}/${id}`, { [field]: list });
      for (const refused of [created, changed]) {
        expect([refused.status, errorOf(refused)['param']]).toEqual([400, field]);
        expect(errorOf(refused)['message']).toContain('tollgate team set acme --');
      }
    }
    const tools = await admin.call('POST', tokens, { user: 'ana', tools: ['run@other'] });
    expect(errorOf(tools)['message']).toContain('team set acme --tool run@my-app --tool run@other');
  });

  it('has no tools that run elsewhere if its team has no list of them', async () => {
    expect((await admin.call('POST', tokens, { user: 'ana', tools: ['run@my-app'] })).status).toBe(400);
    expect((await admin.call('POST', tokens, { user: 'ana', tools: [] })).status).toBe(201);
  });

  it('may be changed in other ways when the team has been narrowed since', async () => {
    await admin.call('PATCH', '/admin/teams/acme', bounds);
    const { id } = await admin.issue(bounds);
    await admin.call('PATCH', '/admin/teams/acme', { tools: null, models: [] });
    const { status, body } = await admin.call('PATCH', `${tokens}/${id}`, { name: 'x', models: [] });
    expect([status, body['tools']]).toEqual([200, bounds.tools]);
  });
});

describe('PATCH /admin/teams/:team/tokens/:id', () => {
  it('200 with the token; what is left out stays, null clears', async () => {
    await admin.call('PATCH', '/admin/teams/acme', { tools: ['t'] });
    const { id } = await admin.issue({ name: 'a', models: ['m'], tools: ['t'], expires_in: 60 });
    const changed = await admin.call('PATCH', `${tokens}/${id}`, { models: ['n'], origins: ['none'] });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({
      name: 'a',
      models: ['n'],
      origins: ['none'],
      tools: ['t'],
      expires_at: '2026-02-03T12:31:00.000Z',
    });
    const cleared = await admin.call('PATCH', `${tokens}/${id}`, {
      models: null,
      tools: null,
      expires_at: null,
    });
    expect(cleared.body).toMatchObject({ name: 'a', models: null, tools: null, expires_at: null });
  });

  it('200 and a new expiry counts from now', async () => {
    const { id } = await admin.issue({ expires_in: 60 });
    admin.nowMs += 30_000;
    const { body } = await admin.call('PATCH', `${tokens}/${id}`, { expires_in: 60 });
    expect(body['expires_at']).toBe('2026-02-03T12:31:30.000Z');
  });

  it('200 for both of two at once', async () => {
    const { id } = await admin.issue();
    const [a, b] = await Promise.all([
      admin.call('PATCH', `${tokens}/${id}`, { name: 'a' }),
      admin.call('PATCH', `${tokens}/${id}`, { models: ['m'] }),
    ]);
    expect([a.status, b.status]).toEqual([200, 200]);
    expect((await admin.call('GET', `${tokens}/${id}`)).body).toMatchObject({ name: 'a', models: ['m'] });
  });

  it('400 for another user and other unknown fields', async () => {
    const { id } = await admin.issue();
    const answer = await admin.call('PATCH', `${tokens}/${id}`, { user: 'bob', revoked_at: null });
    expect(problemsOf(answer)).toEqual(['user', 'revoked_at']);
  });

  it('412 for a revoked one', async () => {
    const { id } = await admin.issue();
    await admin.call('DELETE', `${tokens}/${id}`);
    const answer = await admin.call('PATCH', `${tokens}/${id}`, { expires_in: 60 });
    expect(answer.status).toBe(412);
    expect(errorOf(answer)['code']).toBe('precondition_failed');
    expect(errorOf(answer)['message']).toMatch(/revoked at .* Issue a new one/);
  });

  it('404 for one there is not', async () => {
    expect((await admin.call('PATCH', `${tokens}/tok_none`, {})).status).toBe(404);
  });
});

describe('DELETE /admin/teams/:team/tokens/:id', () => {
  it('204, and the token is revoked, the epoch with it', async () => {
    const { id, text } = await admin.issue();
    const before = await admin.epoch('acme');
    expect((await admin.call('DELETE', `${tokens}/${id}`)).status).toBe(204);
    expect(await admin.epoch('acme')).not.toBe(before);
    expect((await identityBehind(admin.identities, hashToken(text)))?.token.revoked_at).toBe(created_at);
  });

  it('204 again, keeping the time it was revoked first', async () => {
    const { id } = await admin.issue();
    await admin.call('DELETE', `${tokens}/${id}`);
    admin.nowMs += 60_000;
    expect((await admin.call('DELETE', `${tokens}/${id}`)).status).toBe(204);
    expect((await admin.call('GET', `${tokens}/${id}`)).body['revoked_at']).toBe(created_at);
  });

  it('404 for one there is not', async () => {
    expect((await admin.call('DELETE', `${tokens}/tok_none`)).status).toBe(404);
  });
});
