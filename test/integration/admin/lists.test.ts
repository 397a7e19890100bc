import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../src/base/request.ts';
import { errorOf, Harness, problemsOf, startMs } from './harness.ts';

/* Lists as pages, the search for tokens over teams, and the purge of those that ended. */

const dayMs = 86_400_000;
let admin: Harness;

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
});

interface Page {
  status: number;
  rows: JsonObject[];
  next: string | null | undefined;
}

async function page(path: string): Promise<Page> {
  const { status, body } = await admin.call('GET', path);
  const { data = [], next_cursor: next } = body as { data?: JsonObject[]; next_cursor?: string | null };
  return { status, rows: data, next };
}

/** The ids of all pages of a path that has parameters. */
async function walked(path: string): Promise<unknown[]> {
  const ids: unknown[] = [];
  for (let cursor: string | null | undefined = ''; cursor !== null;) {
    const { status, rows, next }: Page = await page(path + (cursor ? `&cursor=${cursor}` : ''));
    expect([status, next]).toEqual([200, next ?? null]);
    ids.push(...rows.map(({ id }) => id));
    cursor = next;
  }
  return ids;
}

async function tokenOf(team: string, user: string, fields: object = {}): Promise<string> {
  const { status, body } = await admin.call('POST', `/admin/teams/${team}/tokens`, { user, ...fields });
  expect(status).toBe(201);
  return textOf(body['id']);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A team with a user `ana`. */
async function teamOf(id: string): Promise<void> {
  await admin.call('POST', '/admin/teams', { id });
  await admin.call('POST', `/admin/teams/${id}/users`, { id: 'ana' });
}

describe('a list without a parameter of a page', () => {
  it('is the whole list, as ever', async () => {
    for (const path of ['teams', 'teams/acme/users', 'teams/acme/tokens', 'admins']) {
      const { status, body } = await admin.call('GET', `/admin/${path}`);
      expect([status, Object.keys(body)]).toEqual([200, ['data']]);
    }
  });
});

describe.each(['teams', 'teams/acme/users', 'admins'])('GET /admin/%s in pages', (path) => {
  beforeEach(async () => {
    for (let n = 0; n < 5; n += 1) {
      admin.nowMs += 1_000;
      const fields = path === 'admins' ? { role: 'auditor' } : { id: `more-${n % 2}${n}` };
      expect((await admin.call('POST', `/admin/${path}`, { name: `Name ${n}`, ...fields })).status).toBe(201);
    }
  });

  it('has every record once, in the order of the list, or by when it was made', async () => {
    const { rows } = await page(`/admin/${path}`);
    const byTime = rows.toSorted((a, b) => (textOf(a['created_at']) < textOf(b['created_at']) ? -1 : 1));
    for (const limit of [1, 2, rows.length]) {
      expect(await walked(`/admin/${path}?limit=${limit}`)).toEqual(rows.map(({ id }) => id));
      expect(await walked(`/admin/${path}?limit=${limit}&sort=created_at`)).toEqual(
        byTime.map(({ id }) => id),
      );
      expect(await walked(`/admin/${path}?limit=${limit}&sort=-created_at`)).toEqual(
        byTime.toReversed().map(({ id }) => id),
      );
    }
  });

  it('finds a part of an id or a name, in whatever case', async () => {
    expect((await page(`/admin/${path}?q=nAME 3`)).rows).toMatchObject([{ name: 'Name 3' }]);
    const [{ id } = {}] = (await page(`/admin/${path}?q=name 4`)).rows;
    expect((await page(`/admin/${path}?q=${textOf(id).slice(1)}`)).rows).toMatchObject([{ id }]);
    expect(await page(`/admin/${path}?q=nobody`)).toMatchObject({ rows: [], next: null });
  });

  it.each([
    ['limit=0', ['limit']],
    ['limit=1001', ['limit']],
    ['limit=ten', ['limit']],
    ['q=', ['q']],
    ['sort=last_used', ['sort']],
    ['sort=name', ['sort']],
    ['cursor=', ['cursor']],
    ['cursor=12-0', ['cursor']],
    ['cursor=WzEsMl0', ['cursor']],
    ['cursor=bnVsbA', ['cursor']],
    [`cursor=${'a'.repeat(401)}`, ['cursor']],
    ['offset=10', ['offset']],
  ])('400 for %s', async (query, expected) => {
    const answer = await admin.call('GET', `/admin/${path}?${query}`);
    expect([answer.status, errorOf(answer)['code']]).toEqual([400, 'invalid_request']);
    expect(problemsOf(answer)).toEqual(expected);
  });

  it('400 for the cursor of another order', async () => {
    const { next } = await page(`/admin/${path}?limit=1&sort=created_at`);
    expect((await page(`/admin/${path}?limit=1&sort=-created_at&cursor=${next}`)).status).toBe(400);
    expect((await page(`/admin/${path}?limit=1&cursor=${next}`)).status).toBe(400);
    expect((await page(`/admin/tokens?limit=1&cursor=${next}`)).status).toBe(400);
  });
});

describe('GET /admin/teams/:team/tokens in pages', () => {
  it('can be by last use, those never used at the beginning', async () => {
    const ids = [await tokenOf('acme', 'ana'), await tokenOf('acme', 'ana'), await tokenOf('acme', 'ana')];
    const used = async (id: string, atMs: number): Promise<void> => {
      const { body } = await admin.call('GET', `/admin/teams/acme/tokens/${id}`);
      await admin.secrets.noteUses([{ team: 'acme', token: id, prefix: textOf(body['prefix']), atMs }]);
    };
    await used(ids[0] ?? '', startMs + 9_000);
    await used(ids[1] ?? '', startMs + 10_000);
    const order = [ids[2], ids[0], ids[1]];
    const path = '/admin/teams/acme/tokens?limit=1';
    expect(await walked(`${path}&sort=last_used`)).toEqual(order);
    expect(await walked(`${path}&sort=-last_used`)).toEqual(order.toReversed());
  });

  it('can be those of one user; 404 for one there is not', async () => {
    await admin.call('POST', '/admin/teams/acme/users', { id: 'bob' });
    const [mine] = [await tokenOf('acme', 'bob', { name: 'laptop' }), await tokenOf('acme', 'ana')];
    expect(await walked('/admin/teams/acme/tokens?user=bob&limit=1')).toEqual([mine]);
    expect(await walked('/admin/teams/acme/tokens?user=bob&q=LAP')).toEqual([mine]);
    expect(await walked('/admin/teams/acme/tokens?user=ana&q=lap')).toEqual([]);
    expect((await page('/admin/teams/acme/tokens?user=gone&limit=1')).status).toBe(404);
    expect((await page('/admin/teams/gone/tokens?limit=1')).status).toBe(404);
    expect((await page('/admin/teams/gone/users?limit=1')).status).toBe(404);
  });
});

describe('GET /admin/tokens', () => {
  it('has the tokens of all teams, by team and id, in pages of any size', async () => {
    await Promise.all(['beta', 'empty', 'core'].map(teamOf));
    const made: string[] = [];
    for (const team of ['acme', 'beta', 'core']) {
      const ids = [await tokenOf(team, 'ana'), await tokenOf(team, 'ana'), await tokenOf(team, 'ana')];
      made.push(...ids.toSorted());
    }
    for (const limit of [1, 2, 3, 9, 50]) {
      expect(await walked(`/admin/tokens?limit=${limit}`)).toEqual(made);
    }
    expect((await page('/admin/tokens?team=beta')).rows.map(({ id }) => id)).toEqual(made.slice(3, 6));
    expect((await page('/admin/tokens')).rows[0]).toMatchObject({
      team: 'acme',
      state: 'working',
      last_used_at: null,
    });
  });

  it('knows the state of a token: the first of revoked, expired, suspended, working', async () => {
    await Promise.all(['beta', 'core'].map(teamOf));
    await admin.call('POST', '/admin/teams/acme/users', { id: 'bob' });
    const [working, revoked, expired, ofBob, ofBeta] = [
      await tokenOf('acme', 'ana'),
      await tokenOf('acme', 'bob'),
      await tokenOf('beta', 'ana', { expires_in: 60 }),
      await tokenOf('acme', 'bob'),
      await tokenOf('beta', 'ana'),
    ];
    await admin.call('DELETE', `/admin/teams/acme/tokens/${revoked}`);
    await admin.call('POST', '/admin/teams/acme/users/bob/suspend');
    await admin.call('POST', '/admin/teams/beta/suspend');
    admin.nowMs += 60_000;
    const inState = async (state: string): Promise<unknown[]> =>
      (await page(`/admin/tokens?state=${state}`)).rows.map((row) => [row['id'], row['state']]);
    expect(await inState('working')).toEqual([[working, 'working']]);
    expect(await inState('revoked')).toEqual([[revoked, 'revoked']]);
    expect(await inState('expired')).toEqual([[expired, 'expired']]);
    expect(await inState('suspended')).toEqual([
      [ofBob, 'suspended'],
      [ofBeta, 'suspended'],
    ]);
  });

  it('finds what is unused since, what expires soon and what ended before', async () => {
    const [old, used, soon, later] = [
      await tokenOf('acme', 'ana'),
      await tokenOf('acme', 'ana'),
      await tokenOf('acme', 'ana', { expires_in: 40 * 86_400 }),
      await tokenOf('acme', 'ana', { expires_in: 90 * 86_400 }),
    ];
    const { body } = await admin.call('GET', `/admin/teams/acme/tokens/${used}`);
    admin.nowMs = startMs + 35 * dayMs;
    const use = { team: 'acme', token: used, prefix: textOf(body['prefix']), atMs: admin.nowMs - dayMs };
    await admin.secrets.noteUses([use]);
    const young = await tokenOf('acme', 'ana');
    const found = async (query: string): Promise<unknown[]> =>
      (await page(`/admin/tokens?${query}`)).rows.map(({ id }) => textOf(id)).toSorted();
    const since = new Date(admin.nowMs - 30 * dayMs).toISOString();
    expect(await found(`unused_since=${since}`)).toEqual([old, soon, later].toSorted());
    expect(await found('unused_since=2026-02-03')).toEqual([]);
    expect(await found(`expires_within=${7 * 86_400}`)).toEqual([soon]);
    expect(await found(`unused_since=${since}&expires_within=${60 * 86_400}`)).toEqual(
      [soon, later].toSorted(),
    );
    expect((await page(`/admin/tokens?q=${used.toUpperCase()}`)).rows).toMatchObject([
      { id: used, last_used_at: new Date(use.atMs).toISOString() },
    ]);

    await admin.call('DELETE', `/admin/teams/acme/tokens/${young}`);
    admin.nowMs += 6 * dayMs;
    expect(await found(`expires_within=${30 * 86_400}`)).toEqual([]);
    expect(await found(`ended_before=${new Date(admin.nowMs).toISOString()}`)).toEqual(
      [soon, young].toSorted(),
    );
    // What is still to end has not.
    expect(await found('ended_before=2030-01-01')).toEqual([soon, young].toSorted());
  });

  it('404 for a team or a user that nobody knows, 400 for what it cannot read', async () => {
    expect((await page('/admin/tokens?team=gone')).status).toBe(404);
    expect((await page('/admin/tokens?user=gone')).status).toBe(404);
    expect(await page('/admin/tokens?user=ana')).toMatchObject({ status: 200, rows: [], next: null });
    for (const query of ['state=idle', 'unused_since=90d', 'expires_within=7d', 'sort=id', 'cursor=x']) {
      const answer = await admin.call('GET', `/admin/tokens?${query}`);
      expect([answer.status, problemsOf(answer)]).toEqual([400, [query.split('=')[0]]]);
    }
  });
});

describe('DELETE /admin/teams/:team/tokens', () => {
  const purge = (before: string) => admin.call('DELETE', `/admin/teams/acme/tokens?ended_before=${before}`);

  it('deletes what ended before, each with its entry in the trail, and nothing else', async () => {
    const [revoked, expired, working] = [
      await tokenOf('acme', 'ana'),
      await tokenOf('acme', 'ana', { expires_in: 60 }),
      await tokenOf('acme', 'ana'),
    ];
    await admin.call('DELETE', `/admin/teams/acme/tokens/${revoked}`);
    admin.nowMs += 10 * dayMs;
    const late = await tokenOf('acme', 'ana');
    await admin.call('DELETE', `/admin/teams/acme/tokens/${late}`);
    expect((await purge('2026-02-03')).body).toEqual({ deleted: 0, remaining: 0 });
    const before = new Date(admin.nowMs - dayMs).toISOString();
    expect((await purge(before)).body).toEqual({ deleted: 2, remaining: 0 });
    const left = (await page('/admin/tokens')).rows.map(({ id }) => textOf(id));
    expect(left).toEqual([working, late].toSorted());
    const { body } = await admin.call('GET', '/admin/audit?operation=token.delete');
    const entries = body['data'] as JsonObject[];
    expect(entries.map(({ id, actor }) => [id, actor])).toEqual([
      [expired, 'root'],
      [revoked, 'root'],
    ]);
    expect(entries[1]?.['before']).toMatchObject({ id: revoked, user: 'ana' });
  });

  it('is bounded in one call, and the next one goes on', async () => {
    for (let n = 0; n < 103; n += 1) await tokenOf('acme', 'ana', { expires_in: 60 });
    admin.nowMs += dayMs;
    expect((await purge('2027-01-01')).body).toEqual({ deleted: 100, remaining: 3 });
    expect((await purge('2027-01-01')).body).toEqual({ deleted: 3, remaining: 0 });
    expect((await page('/admin/tokens')).rows).toEqual([]);
  });

  it('400 without the moment, 404 without the team', async () => {
    const answer = await admin.call('DELETE', '/admin/teams/acme/tokens');
    expect([answer.status, problemsOf(answer)]).toEqual([400, ['ended_before']]);
    expect((await admin.call('DELETE', '/admin/teams/gone/tokens?ended_before=2026-01-01')).status).toBe(404);
  });
});
