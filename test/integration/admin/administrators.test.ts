import { beforeEach, describe, expect, it } from 'vitest';
import { inspectToken } from '../../../src/identity/records/token-text.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { adminKey, bearer, errorOf, Harness, problemsOf, startMs, type Answer } from './harness.ts';

let admin: Harness;

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
  await admin.call('POST', '/admin/teams', { id: 'beta' });
});

async function make(body: object): Promise<JsonObject> {
  const answer = await admin.call('POST', '/admin/admins', body);
  expect(answer.status).toBe(201);
  return answer.body;
}

function asAdministrator(made: JsonObject, method: string, path: string, body?: object): Promise<Answer> {
  return admin.call(method, path, body, bearer(made['token'] as string));
}

describe('POST /admin/admins', () => {
  it('201 with the token, this once', async () => {
    const made = await make({ name: 'Ana', role: 'team-admin', teams: ['acme', 'beta', 'acme'] });
    expect(Object.keys(made)).toEqual([
      'id',
      'token',
      'name',
      'role',
      'teams',
      'prefix',
      'expires_at',
      'created_at',
    ]);
    const { id, token, prefix, ...rest } = made as Record<string, string>;
    expect(id).toMatch(/^adm_[0-9A-Za-z]+$/);
    expect(inspectToken(token ?? '')).toEqual({ ok: true, kind: 'admin' });
    expect(token?.startsWith(prefix ?? 'none')).toBe(true);
    expect(rest).toEqual({
      name: 'Ana',
      role: 'team-admin',
      teams: ['acme', 'beta'],
      expires_at: null,
      created_at: '2026-02-03T12:30:00.000Z',
    });
    const listed = await admin.call('GET', '/admin/admins');
    const shown = await admin.call('GET', `/admin/admins/${id}`);
    for (const { body } of [listed, shown]) expect(JSON.stringify(body)).not.toContain(token);
  });

  it.each([
    [{ role: 'admin' }, { teams: null, name: null, expires_at: null }],
    [{ role: 'admin', teams: null, name: null, expires_in: null }, { teams: null }],
    [{ role: 'auditor' }, { teams: null }],
    [{ role: 'auditor', teams: ['beta'] }, { teams: ['beta'] }],
    [{ role: 'auditor', expires_in: 3_600 }, { expires_at: '2026-02-03T13:30:00.000Z' }],
    [{ role: 'admin', expires_at: '2026-03-01T00:00:00+01:00' }, { expires_at: '2026-02-28T23:00:00.000Z' }],
  ])('201 for %j', async (body, made) => {
    expect(await make(body)).toMatchObject(made);
  });

  it.each<[object, string[]]>([
    [{}, ['role']],
    [{ role: 'root' }, ['role']],
    [{ role: null }, ['role']],
    [{ role: 'team-admin' }, ['teams']],
    [{ role: 'team-admin', teams: null }, ['teams']],
    [{ role: 'team-admin', teams: [] }, ['teams']],
    [{ role: 'auditor', teams: [] }, ['teams']],
    [{ role: 'auditor', teams: 'acme' }, ['teams']],
    [{ role: 'auditor', teams: ['acme', '*'] }, ['teams.1']],
    [{ role: 'admin', teams: ['acme'] }, ['teams']],
    [{ role: 'admin', expires_in: 60, expires_at: '2027-01-01T00:00:00Z' }, ['expires_at']],
    [{ role: 'admin', expires_in: 0 }, ['expires_in']],
    [{ role: 'admin', expires_at: '2026-02-03T12:30:00Z' }, ['expires_at']],
    [{ role: 'admin', name: 'a\nb', token: 'tga_x', id: 'adm_1' }, ['name', 'token', 'id']],
    [{ role: 'team-admin', expires_in: -1 }, ['expires_in', 'teams']],
  ])('400 for %j', async (body, params) => {
    const answer = await admin.call('POST', '/admin/admins', body);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)['code']).toBe('invalid_body');
    expect(problemsOf(answer)).toEqual(params);
    expect(await admin.administrators.list()).toEqual([]);
  });

  it('404 for a team there is not, naming which', async () => {
    const answer = await admin.call('POST', '/admin/admins', { role: 'auditor', teams: ['acme', 'gamma'] });
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toMatchObject({ code: 'not_found', param: 'teams.1' });
    expect(await admin.administrators.list()).toEqual([]);
  });
});

describe('GET /admin/admins', () => {
  it('200 with all of them, expired ones too', async () => {
    expect((await admin.call('GET', '/admin/admins')).body).toEqual({ data: [] });
    const made = [await make({ role: 'admin', expires_in: 1 }), await make({ role: 'auditor' })];
    admin.nowMs = startMs + 5_000;
    const { body } = await admin.call('GET', '/admin/admins');
    const ids = (body['data'] as JsonObject[]).map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set(made.map(({ id }) => id)));
  });

  it('200 for one, 404 where there is none, without repeating what was asked for', async () => {
    const { token: _token, ...record } = await make({ role: 'auditor', teams: ['acme'] });
    expect(await admin.call('GET', `/admin/admins/${record['id'] as string}`)).toMatchObject({
      status: 200,
      body: record,
    });
    for (const method of ['GET', 'DELETE']) {
      const answer = await admin.call(method, '/admin/admins/tga_pasted-by-mistake');
      expect(answer.status).toBe(404);
      expect(errorOf(answer)['code']).toBe('not_found');
      expect(JSON.stringify(answer.body)).not.toContain('pasted');
    }
  });
});

describe("an administrator's token", () => {
  it('ends when it is deleted, from the next request on', async () => {
    const made = await make({ role: 'admin' });
    expect((await asAdministrator(made, 'GET', '/admin/teams')).status).toBe(200);
    expect((await admin.call('DELETE', `/admin/admins/${made['id'] as string}`)).status).toBe(204);
    const refused = await asAdministrator(made, 'GET', '/admin/teams');
    expect(refused.status).toBe(401);
    expect(errorOf(refused)['code']).toBe('invalid_token');
    expect((await admin.call('GET', `/admin/admins/${made['id'] as string}`)).status).toBe(404);
  });

  it('ends when it expires', async () => {
    const made = await make({ role: 'admin', expires_in: 60 });
    admin.nowMs = startMs + 59_999;
    expect((await asAdministrator(made, 'GET', '/admin/teams')).status).toBe(200);
    admin.nowMs = startMs + 60_000;
    const refused = await asAdministrator(made, 'GET', '/admin/teams');
    expect(errorOf(refused)).toMatchObject({ code: 'expired_token', type: 'authentication_error' });
  });

  it('may be sent as x-api-key, but not beside another credential', async () => {
    const made = await make({ role: 'admin' });
    const token = made['token'] as string;
    const both = await admin.call('GET', '/admin/teams', undefined, { 'x-api-key': token });
    expect(both.status).toBe(401);
    const same = { authorization: `Bearer ${token}`, 'x-api-key': token };
    expect((await admin.call('GET', '/admin/teams', undefined, same)).status).toBe(200);
  });

  it('of a team-admin runs its team: users, tokens, their limits', async () => {
    const made = await make({ role: 'team-admin', teams: ['acme'] });
    const limits = [{ metric: 'requests', window: 'day', max: 5 }];
    const base = '/admin/teams/acme';
    expect((await asAdministrator(made, 'POST', `${base}/users`, { id: 'bob', limits })).status).toBe(201);
    const issued = await asAdministrator(made, 'POST', `${base}/tokens`, { user: 'bob', limits });
    expect(issued.status).toBe(201);
    const token = `${base}/tokens/${issued.body['id'] as string}`;
    expect((await asAdministrator(made, 'PATCH', token, { limits: null })).status).toBe(200);
    expect((await asAdministrator(made, 'DELETE', token)).status).toBe(204);
    expect((await asAdministrator(made, 'DELETE', `${base}/users/bob`)).status).toBe(204);
    for (const change of [{ limits }, { models: ['m'] }, { name: 'Acme' }, {}]) {
      expect((await asAdministrator(made, 'PATCH', base, change)).status).toBe(403);
    }
  });

  it('is told on unknown paths and methods what everybody is told', async () => {
    const made = await make({ role: 'auditor', teams: ['acme'] });
    expect((await asAdministrator(made, 'GET', '/admin/elsewhere')).status).toBe(404);
    expect((await asAdministrator(made, 'PUT', '/admin/teams/beta')).status).toBe(405);
    expect((await admin.call('GET', '/admin/teams', undefined, bearer(adminKey))).status).toBe(200);
  });
});
