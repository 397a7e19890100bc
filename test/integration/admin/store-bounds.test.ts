import { beforeEach, describe, expect, it } from 'vitest';
import { IdentityStore } from '../../../src/identity/store/identity-store.ts';
import { changeBoundsOf, maxRecordBytes } from '../../../src/identity/records/bounds.ts';
import { documentOf, tokenRow } from '../../support/documents.ts';
import { testKeys } from '../../support/embedded-store.ts';
import { bearer, errorOf, Harness, startMs } from './harness.ts';

/* What one record, one team and one administrator may take of the store. */

const tokens = '/admin/teams/acme/tokens';
const dayMs = 86_400_000;
const longList = Array.from({ length: 64 }, (_, n) => `model-${n}-${'x'.repeat(110)}`);
const limitsOn = (models: readonly string[]): object[] => [
  { metric: 'concurrency', max: 1, models },
  { metric: 'requests', window: 'day', max: 1, models },
];

let admin: Harness;

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
});

describe('a record', () => {
  const large = { models: longList.slice(0, 8), limits: limitsOn(longList) };

  it.each([
    ['a team that is made', 'POST', '/admin/teams', { id: 'beta', ...large }],
    ['a team that is changed', 'PATCH', '/admin/teams/acme', large],
    ['a user that is made', 'POST', '/admin/teams/acme/users', { id: 'bob', limits: large.limits }],
    ['a token that is made', 'POST', tokens, { user: 'ana', ...large }],
    ['the settings', 'PATCH', '/admin/settings', { limits: large.limits }],
  ])('of more than 8 kB is refused, naming what is largest: %s', async (_, method, path, body) => {
    const refused = await admin.call(method, path, body);
    expect([refused.status, errorOf(refused)['param']]).toEqual([400, 'limits']);
    expect(errorOf(refused)['message']).toMatch(
      /^limits takes \d+ of the \d+ bytes.*at most 8192\. Shorten it\./,
    );
  });

  it('of more than 8 kB is refused in an import, by its row', async () => {
    const limits = limitsOn(longList).map((limit, n) => ({ ...limit, id: `l-${n}` }));
    const document = documentOf({ tokens: [tokenRow('tok_1'), tokenRow('tok_2', { limits })] });
    const refused = await admin.call('POST', '/admin/import', document);
    expect([refused.status, errorOf(refused)['param']]).toEqual([400, 'tokens.1.limits']);
  });

  it('of nearly 8 kB is stored, changed, rotated, revoked and exported', async () => {
    const { id } = await admin.issue({ models: longList.slice(0, 61) });
    expect((await admin.call('PATCH', `${tokens}/${id}`, { name: 'x' })).status).toBe(200);
    for (let n = 0; n < 3; n += 1)
      expect((await admin.call('POST', `${tokens}/${id}/rotate`, {})).status).toBe(200);
    expect((await admin.call('DELETE', `${tokens}/${id}`)).status).toBe(204);
    const { body } = await admin.call('GET', '/admin/export');
    expect((await new Harness().call('POST', '/admin/import', body)).status).toBe(200);
  });

  it('from before the bound may shrink, and be ended', async () => {
    const key = { kind: 'team', team: 'acme' } as const;
    const text = (await admin.identities.read(key)) ?? '';
    const old = { ...(JSON.parse(text) as object), models: [...longList, ...longList] };
    await admin.identities.replace(key, text, JSON.stringify(old));
    expect((await admin.call('PATCH', '/admin/teams/acme', { models: longList })).status).toBe(200);
    expect((await admin.call('POST', '/admin/teams/acme/suspend')).status).toBe(200);
    expect(maxRecordBytes).toBeLessThan(JSON.stringify(old).length);
  });
});

describe('a team', () => {
  const bounded = (records: number, bytes: number): void => {
    admin.store = new IdentityStore(admin.kept, testKeys, admin.audit, { records, bytes });
  };

  it('has so many users', async () => {
    bounded(2, 100_000);
    expect((await admin.call('POST', '/admin/teams/acme/users', { id: 'bob' })).status).toBe(201);
    const refused = await admin.call('POST', '/admin/teams/acme/users', { id: 'cleo' });
    expect([refused.status, errorOf(refused)]).toMatchObject([
      429,
      { code: 'insufficient_quota', limit: { scope: 'team', metric: 'users' } },
    ]);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    await admin.call('DELETE', '/admin/teams/acme/users/bob');
    expect((await admin.call('POST', '/admin/teams/acme/users', { id: 'cleo' })).status).toBe(201);
  });

  it('has tokens of so many bytes, also by changes of them', async () => {
    bounded(100, 2_000);
    const { id } = await admin.issue();
    const grown = await admin.call('PATCH', `${tokens}/${id}`, { models: longList.slice(0, 20) });
    expect([grown.status, errorOf(grown)['code']]).toEqual([429, 'insufficient_quota']);
    expect((await admin.call('PATCH', `${tokens}/${id}`, { models: longList.slice(0, 5) })).status).toBe(200);
    const made = await admin.call('POST', tokens, { user: 'ana', models: longList.slice(0, 10) });
    expect(errorOf(made)['message']).toContain('Revoke tokens');
    expect((await admin.call('DELETE', `${tokens}/${id}`)).status).toBe(204);
  });

  it('without room forgets the tokens that ended longest ago, a week later, and none before', async () => {
    bounded(2, 100_000);
    const [first, second] = [await admin.issue(), await admin.issue()];
    await admin.call('DELETE', `${tokens}/${first.id}`);
    expect((await admin.call('POST', tokens, { user: 'ana' })).status).toBe(429);
    admin.nowMs = startMs + 8 * dayMs;
    expect((await admin.call('POST', tokens, { user: 'ana' })).status).toBe(201);
    expect((await admin.call('GET', `${tokens}/${first.id}`)).status).toBe(404);
    expect((await admin.call('GET', `${tokens}/${second.id}`)).status).toBe(200);
    expect((await admin.call('POST', tokens, { user: 'ana' })).status).toBe(429);
  });

  it('is not bounded in an import: a backup must go back in', async () => {
    bounded(1, 100);
    expect((await admin.call('POST', '/admin/import', documentOf())).status).toBe(200);
  });
});

describe('an administrator', () => {
  const perMinute = 120;
  const renamed = async (headers: Record<string, string>, n: number): Promise<number> =>
    (await admin.call('PATCH', '/admin/teams/acme/users/ana', { name: `n-${n}` }, headers)).status;

  async function teamAdmin(): Promise<Record<string, string>> {
    const { body } = await admin.call('POST', '/admin/admins', { role: 'team-admin', teams: ['acme'] });
    return bearer(body['token'] as string);
  }

  it('makes so many changes a minute, whatever they are; ending something is not counted', async () => {
    const its = await teamAdmin();
    const { id } = await admin.issue();
    for (let n = 0; n < perMinute; n += 1) expect(await renamed(its, n)).toBe(200);
    const refused = await admin.call('POST', tokens, { user: 'ana' }, its);
    expect([refused.status, errorOf(refused)]).toMatchObject([
      429,
      { code: 'rate_limit_exceeded', limit: { scope: 'administrator', metric: 'changes', max: perMinute } },
    ]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await admin.call('GET', tokens, undefined, its)).status).toBe(200);
    expect((await admin.call('DELETE', `${tokens}/${id}`, undefined, its)).status).toBe(204);
    const suspended = await admin.call('POST', '/admin/teams/acme/users/ana/suspend', undefined, its);
    expect(suspended.status).toBe(200);

    expect(await renamed(await teamAdmin(), 0)).toBe(200);
    admin.nowMs += 60_000;
    expect(await renamed(its, 1)).toBe(200);
  });

  it('of a team also makes so many a day; root and admins have no such bound', async () => {
    const its = await teamAdmin();
    for (let n = 0; n < 2_000 / perMinute; n += 1) {
      for (let each = 0; each < perMinute; each += 1) await admin.pace.ofAdministrator(actorOf(its));
      admin.nowMs += 60_000;
    }
    const refusal = await admin.pace.ofAdministrator(actorOf(its));
    expect(refusal).toMatchObject({ code: 'insufficient_quota', details: { limit: { window: 'day' } } });
    expect(changeBoundsOf({ kind: 'root', key: 'current' }).perDay).toBeNull();
    expect(
      changeBoundsOf({ kind: 'administrator', id: 'adm_1', role: 'admin', teams: null }).perDay,
    ).toBeNull();
  });

  const actorOf = (_its: object) =>
    ({ kind: 'administrator', id: 'adm_1', role: 'team-admin', teams: ['acme'] }) as const;
});
