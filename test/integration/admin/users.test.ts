import { beforeEach, describe, expect, it } from 'vitest';
import { hashToken } from '../../../src/identity/records/token-text.ts';
import { errorOf, Harness, problemsOf } from './harness.ts';
import { identityBehind } from '../../support/identity-behind.ts';

const users = '/admin/teams/acme/users';
const created_at = '2026-02-03T12:30:00.000Z';
let admin: Harness;

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
});

describe('the address and the account of a user', () => {
  const subject = { issuer: 'https://id.example.com', sub: '1' };
  const taken = async (...call: Parameters<Harness['call']>): Promise<unknown[]> => {
    const answer = await admin.call(...call);
    return [answer.status, errorOf(answer)['code'], errorOf(answer)['param']];
  };

  it('409 where another user of the team has them, naming the field', async () => {
    const bob = { id: 'bob', email: 'bob@example.com', subject };
    expect((await admin.call('POST', users, bob)).status).toBe(201);
    expect(await taken('POST', users, { id: 'b', email: 'BOB@example.com' })).toEqual([
      409,
      'already_exists',
      'email',
    ]);
    expect(await taken('POST', users, { id: 'b', subject })).toEqual([409, 'already_exists', 'subject']);
    expect(await taken('PATCH', `${users}/ana`, { email: 'Bob@example.com' })).toEqual([
      409,
      'already_exists',
      'email',
    ]);
    expect(await taken('PATCH', `${users}/ana`, { subject })).toEqual([409, 'already_exists', 'subject']);
    expect(
      (await admin.call('PATCH', `${users}/bob`, { email: 'BOB@example.com', name: 'Bob' })).status,
    ).toBe(200);
    expect((await admin.call('PATCH', `${users}/ana`, { email: '\u212aim@example.com' })).status).toBe(200);
    expect((await admin.call('POST', users, { id: 'kim', email: 'kim@example.com' })).status).toBe(201);
  });

  it('are free in another team, and again once they are cleared or their user is deleted', async () => {
    await admin.call('POST', '/admin/teams', { id: 'beta' });
    const bob = { id: 'bob', email: 'bob@example.com', subject };
    await admin.call('POST', users, bob);
    expect((await admin.call('POST', '/admin/teams/beta/users', bob)).status).toBe(201);
    await admin.call('PATCH', `${users}/bob`, { email: null });
    expect((await admin.call('PATCH', `${users}/ana`, { email: bob.email })).status).toBe(200);
    await admin.call('DELETE', `${users}/bob`);
    expect((await admin.call('PATCH', `${users}/ana`, { subject })).status).toBe(200);
  });
});

describe('POST /admin/teams/:team/users', () => {
  it('201 with the user', async () => {
    const body = {
      id: 'bob',
      name: 'Bob',
      email: 'bob@example.com',
      limits: [{ metric: 'images', window: 'month', max: 0 }],
    };
    const answer = await admin.call('POST', users, body);
    expect(answer.status).toBe(201);
    const limits = [{ id: expect.any(String) as string, ...body.limits[0] }];
    expect(answer.body).toEqual({
      ...body,
      limits,
      subject: null,
      suspended_at: null,
      team: 'acme',
      created_at,
    });
  });

  it('201 with the id alone', async () => {
    const answer = await admin.call('POST', users, { id: 'bob' });
    expect(answer.body).toEqual({
      id: 'bob',
      team: 'acme',
      name: null,
      email: null,
      subject: null,
      suspended_at: null,
      limits: [],
      created_at,
    });
  });

  it('201 for the same id in another team', async () => {
    await admin.call('POST', '/admin/teams', { id: 'beta' });
    expect((await admin.call('POST', '/admin/teams/beta/users', { id: 'ana' })).status).toBe(201);
  });

  it('409 when there is one already', async () => {
    const answer = await admin.call('POST', users, { id: 'ana' });
    expect(answer.status).toBe(409);
    expect(errorOf(answer)['code']).toBe('already_exists');
  });

  it('404 without the team', async () => {
    expect((await admin.call('POST', '/admin/teams/beta/users', { id: 'ana' })).status).toBe(404);
  });

  it('400 with every problem', async () => {
    const body = { id: '-bob', name: '', email: 'nobody', limits: {}, models: [] };
    const answer = await admin.call('POST', users, body);
    expect(answer.status).toBe(400);
    expect(problemsOf(answer)).toEqual(['id', 'name', 'email', 'limits', 'models']);
  });
});

describe('GET /admin/teams/:team/users', () => {
  it('200 with all of them', async () => {
    await admin.call('POST', users, { id: 'aaa' });
    const answer = await admin.call('GET', users);
    expect(answer.status).toBe(200);
    expect(answer.body['data']).toMatchObject([{ id: 'aaa' }, { id: 'ana' }]);
  });

  it('404 without the team', async () => {
    expect((await admin.call('GET', '/admin/teams/beta/users')).status).toBe(404);
  });
});

describe('GET /admin/teams/:team/users/:user', () => {
  it('200 with the user', async () => {
    expect((await admin.call('GET', `${users}/ana`)).body).toMatchObject({ id: 'ana', team: 'acme' });
  });

  it('404 for one there is not', async () => {
    expect((await admin.call('GET', `${users}/bob`)).status).toBe(404);
    expect((await admin.call('GET', '/admin/teams/beta/users/ana')).status).toBe(404);
  });
});

describe('PATCH /admin/teams/:team/users/:user', () => {
  it('200 with the user; null clears', async () => {
    const limits = [{ metric: 'concurrency', max: 1 }];
    const changed = await admin.call('PATCH', `${users}/ana`, {
      name: 'Ana',
      email: 'ana@example.com',
      limits,
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ id: 'ana', name: 'Ana', email: 'ana@example.com', limits });
    const cleared = await admin.call('PATCH', `${users}/ana`, { email: null, limits: null });
    expect(cleared.body).toMatchObject({ name: 'Ana', email: null, limits: [] });
  });

  it('400 for an unknown field', async () => {
    expect(problemsOf(await admin.call('PATCH', `${users}/ana`, { team: 'beta' }))).toEqual(['team']);
  });

  it('404 for one there is not', async () => {
    expect((await admin.call('PATCH', `${users}/bob`, {})).status).toBe(404);
  });
});

describe('DELETE /admin/teams/:team/users/:user', () => {
  it('204, and the tokens of the user are revoked, of nobody else', async () => {
    await admin.call('POST', users, { id: 'bob' });
    const gone = await admin.issue();
    const kept = await admin.issue({ user: 'bob' });
    expect((await admin.call('DELETE', `${users}/ana`)).status).toBe(204);

    expect((await admin.call('GET', `${users}/ana`)).status).toBe(404);
    expect(await identityBehind(admin.identities, hashToken(gone.text))).toBeNull();
    expect((await identityBehind(admin.identities, hashToken(kept.text)))?.token.revoked_at).toBeNull();
    const revokedAt = async (id: string): Promise<unknown> =>
      (await admin.call('GET', `/admin/teams/acme/tokens/${id}`)).body['revoked_at'];
    expect(await revokedAt(gone.id)).toBe('2026-02-03T12:30:00.000Z');
    expect(await revokedAt(kept.id)).toBeNull();
  });

  it('204, and a user made again under the same id does not get the tokens back', async () => {
    const { text } = await admin.issue();
    await admin.call('DELETE', `${users}/ana`);
    await admin.call('POST', users, { id: 'ana' });
    expect(await identityBehind(admin.identities, hashToken(text))).toBeNull();
  });

  it('404 for one there is not', async () => {
    expect((await admin.call('DELETE', `${users}/bob`)).status).toBe(404);
  });
});
