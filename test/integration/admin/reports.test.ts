import { beforeEach, describe, expect, it } from 'vitest';
import { rangeParameters } from '../../../src/reports/parameters.ts';
import { noUsage } from '../../support/no-usage.ts';
import { bearer, errorOf, Harness } from './harness.ts';

let admin: Harness;

beforeEach(async () => {
  admin = new Harness();
  admin.reader = {
    maxDays: 400,
    usage: async ({ filters }) => (filters.team === 'gone' ? [{ ...noUsage, requests: 1 }] : [noUsage]),
    refusals: async ({ filters }) => (filters.team === 'gone' ? [{ refused: 1, last_at: null }] : []),
    entries: async () => ({ data: [], next_cursor: null }),
    groupedUsage: async () => [],
    groupedRefusals: async () => [],
  };
  await admin.seed();
});

const reports = ['usage', 'refusals', 'requests', 'audit'];
const ofPeople = ['usage', 'refusals', 'requests'];

describe('a report', () => {
  it.each(reports)('%s has one meaning of from and to, in words and in what they do', async (report) => {
    expect(parametersOf(report)).toMatchObject(rangeParameters);
    const statuses = await Promise.all(
      [
        ['from=2026-02-01&to=2026-02-01', 200],
        ['from=2026-02-01&to=2026-02-02T00:00:00Z', 200],
        ['from=2026-02-01T02:00:00%2B02:00&to=2026-02-03', 200],
        ['to=2026-02-01', 200],
        ['from=2026-02-01', 200],
        ['from=2027-01-01', 200],
        // Nothing lies between: the day has not begun.
        ['from=2026-02-01&to=2026-02-01T00:00:00Z', 400],
        ['from=2026-02-02&to=2026-02-01', 400],
        ['from=2026-02-30', 400],
        ['from=2026-2-1', 400],
        ['from=', 400],
        ['to=1769904000', 400],
        ['to=2026-02-01T00:00:00', 400],
        ['to=9999-12-31T23:59:59-23:59', 400],
      ].map(async ([range, status]) => [
        range,
        status,
        (await admin.call('GET', `/admin/${report}?${range}`)).status,
      ]),
    );
    for (const [range, expected, status] of statuses) expect([range, status]).toEqual([range, expected]);
  });

  it.each(reports)('%s of a team that nobody knows is a 404, in every format', async (report) => {
    for (const format of ['json', 'csv', 'ndjson']) {
      const answer = await admin.call('GET', `/admin/${report}?team=nobody&format=${format}`);
      expect([answer.status, errorOf(answer)['code']]).toEqual([404, 'not_found']);
      expect(errorOf(answer)['message']).toBe('There is no team nobody.');
      expect((await admin.call('GET', `/admin/${report}?team=acme&format=json`)).status).toBe(200);
    }
  });

  it.each(ofPeople)(
    '%s of a user or token that nobody knows is a 404, in its team or in all',
    async (report) => {
      const { id } = await admin.issue();
      await admin.call('POST', '/admin/teams', { id: 'beta' });
      const status = async (query: string): Promise<number> =>
        (await admin.call('GET', `/admin/${report}?${query}`)).status;
      expect(await status('user=ana')).toBe(200);
      expect(await status('team=acme&user=ana')).toBe(200);
      expect(await status('team=beta&user=ana')).toBe(404);
      expect(await status('user=bob')).toBe(404);
      expect(await status(`token=${id}`)).toBe(200);
      expect(await status(`team=acme&user=ana&token=${id}`)).toBe(200);
      expect(await status(`team=beta&token=${id}`)).toBe(404);
      expect(await status('token=tok_1')).toBe(404);
    },
  );

  it.each(['usage', 'refusals'])(
    '%s still shows a team that is gone, for as long as it has figures',
    async (report) => {
      expect((await admin.call('GET', `/admin/${report}?team=gone`)).status).toBe(200);
      const byDay = await admin.call('GET', `/admin/${report}?team=gone&from=2026-02-01&group_by=day`);
      expect(byDay.body['data']).toHaveLength(3);
    },
  );

  it('does not tell a team-admin of people in other teams', async () => {
    await admin.call('POST', '/admin/teams', { id: 'beta' });
    await admin.call('POST', '/admin/teams/beta/users', { id: 'bob' });
    const made = await admin.call('POST', '/admin/admins', { role: 'team-admin', teams: ['acme'] });
    const headers = bearer(made.body['token'] as string);
    const ask = (user: string): ReturnType<Harness['call']> =>
      admin.call('GET', `/admin/usage?user=${user}`, undefined, headers);
    expect((await ask('ana')).status).toBe(200);
    const [bob, nobody] = [await ask('bob'), await ask('nobody')];
    expect([bob.status, nobody.status]).toEqual([404, 404]);
    expect(errorOf(bob)['message']).toBe('There is no user bob in the team acme.');
  });
});

describe('GET /admin/teams/:team/tokens', () => {
  it('lists the tokens of one user if it is asked to', async () => {
    await admin.call('POST', '/admin/teams/acme/users', { id: 'bob' });
    const { id } = await admin.issue();
    await admin.issue({ user: 'bob' });
    const listed = await admin.call('GET', '/admin/teams/acme/tokens?user=ana');
    expect(listed.body['data']).toMatchObject([{ id, user: 'ana' }]);
    expect((await admin.call('GET', '/admin/teams/acme/tokens?user=nobody')).status).toBe(404);
    expect((await admin.call('GET', '/admin/teams/acme/tokens?users=ana')).status).toBe(400);
  });
});

describe('an operation that is refused for its query', () => {
  it('has changed nothing', async () => {
    const { id } = await admin.issue();
    const path = `/admin/teams/acme/tokens/${id}`;
    const refused = await admin.call('DELETE', `${path}?dry_run=true`);
    expect(refused.status).toBe(400);
    expect(errorOf(refused)).toMatchObject({ code: 'invalid_request', param: 'dry_run' });
    expect((await admin.call('GET', path)).body).toMatchObject({ revoked_at: null });
    expect((await admin.call('DELETE', `${path}?`)).status).toBe(204);
  });
});

function parametersOf(report: string): object {
  const route = admin.routes().find(({ path }) => path === `/admin/${report}`);
  const schema = route?.methods.GET?.docs.query;
  return schema === undefined || schema === 'ignored' ? {} : schema.shape;
}
