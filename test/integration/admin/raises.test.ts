import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/request.ts';
import { type Answer, bearer, errorOf, Harness, problemsOf, startMs } from './harness.ts';

const team = '/admin/teams/acme';
const day = 86_400_000;
const limits = [
  { metric: 'tokens', window: 'day', max: 100 },
  { metric: 'cost_usd', window: 'month', max: 2.5 },
  { metric: 'concurrency', max: 3 },
];

let admin: Harness;
/** Those of the team, in their order. */
let ids: string[];

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
  const { body } = await admin.call('PATCH', team, { limits });
  ids = (body['limits'] as { id: string }[]).map(({ id }) => id);
});

const inMs = (ms: number): string => new Date(startMs + ms).toISOString();

function raise(body: object, { limit = ids[0] ?? '', of = team, headers = {} } = {}): Promise<Answer> {
  return admin.call('POST', `${of}/limits/${limit}/raise`, body, headers);
}

async function shown(query = '', of = team): Promise<JsonObject> {
  return (await admin.call('GET', `${of}${query}`)).body;
}

describe('POST …/limits/:limit/raise', () => {
  it('201 with the raise, which the record then lists beside the limit as it was', async () => {
    const answer = await raise({ by: 50, until: inMs(3_600_000) });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^rse_[0-9A-Za-z]{12}$/) as string,
      limit: ids[0],
      by: 50,
      until: '2026-02-03T13:30:00.000Z',
      created_at: '2026-02-03T12:30:00.000Z',
    });
    const record = await admin.call('GET', team);
    expect(record.body).toMatchObject({ limits, raises: [answer.body] });
    expect(record.headers.get('etag')).toBe(answer.headers.get('etag'));
    const { data } = (await admin.call('GET', '/admin/teams')).body as { data: JsonObject[] };
    expect(data).toMatchObject([{ raises: [answer.body] }]);
  });

  it('adds to what is left, with usage=true', async () => {
    await raise({ by: 50, until: inMs(3_600_000) });
    await raise({ by: 7, until: inMs(60_000) });
    await raise({ by: 0.25, until: inMs(60_000) }, { limit: ids[1] ?? '' });
    expect((await shown('?usage=true'))['limits']).toMatchObject([
      { max: 100, used: 0, remaining: 157, raised_by: 57, raised_until: '2026-02-03T12:31:00.000Z' },
      { max: 2.5, remaining: 2.75, raised_by: 0.25 },
      { max: 3, remaining: 3 },
    ]);
    admin.nowMs += 60_000;
    const later = (await shown('?usage=true'))['limits'] as JsonObject[];
    expect(later).toMatchObject([{ remaining: 150, raised_by: 50 }, { remaining: 2.5 }, { remaining: 3 }]);
    expect(later[1]).not.toHaveProperty('raised_by');
  });

  it('is not shown from its end on, and gives its place to the next one', async () => {
    const ended = await raise({ by: 50, until: inMs(1_000) });
    admin.nowMs += 1_000;
    expect(await shown()).toMatchObject({ raises: null });
    const { body } = await raise({ by: 1, until: inMs(2_000) });
    expect((await shown())['raises']).toEqual([body]);
    const text = await admin.identities.read({ kind: 'team', team: 'acme' });
    expect(text).not.toContain(ended.body['id'] as string);
  });

  it('may last so many seconds from now, by the store', async () => {
    admin.aheadMs = 7_200_000;
    const { status, body } = await raise({ by: 50, for_seconds: 3_600 });
    expect([status, body['until'], body['created_at']]).toEqual([201, inMs(3_600_000), inMs(0)]);
    expect((await raise({ by: 50, for_seconds: 92 * 86_400 })).status).toBe(201);
  });

  it.each([7_200_000, -7_200_000])(
    'is shown by the clock of the store, if another is %i ms ahead',
    async (ms) => {
      admin.aheadMs = ms;
      const { id } = await admin.issue({ limits });
      const records = [team, `${team}/users/ana`, `${team}/tokens/${id}`];
      await admin.call('PATCH', `${team}/users/ana`, { limits });
      for (const of of records) {
        const [{ id: limit } = { id: '' }] = (await shown('', of))['limits'] as { id: string }[];
        expect((await raise({ by: 5, for_seconds: 3_600 }, { of, limit })).status).toBe(201);
      }
      const lists = ['/admin/teams', `${team}/users`, `${team}/tokens`, '/admin/tokens'];
      const counts = async (): Promise<unknown[]> => {
        const listed = await Promise.all(
          lists.map(async (list) => (await admin.call('GET', list)).body['data']),
        );
        const all = [
          ...(await Promise.all(records.map((of) => shown('', of)))),
          ...(listed as JsonObject[][]).flat(),
        ];
        return all
          .map(({ raises }) => (raises as unknown[] | null | undefined)?.length ?? 0)
          .filter((n) => n > 0);
      };
      expect(await counts()).toEqual([1, 1, 1, 1, 1, 1, 1]);
      admin.nowMs += 3_600_000;
      expect(await counts()).toEqual([]);
    },
  );

  it.each<[string, object, string[]]>([
    ['a time and a span', { for_seconds: 60 }, ['until']],
    ['no time', { for_seconds: 0, until: undefined }, ['for_seconds']],
    ['neither', { until: undefined }, ['until']],
    ['longer than 92 days', { for_seconds: 92 * 86_400 + 1, until: undefined }, ['for_seconds']],
    ['nothing', { by: 0 }, ['by']],
    ['less', { by: -5 }, ['by']],
    ['part of a token', { by: 1.5 }, ['by']],
    ['more than can be counted', { by: 2 ** 53 - 1 }, ['by']],
    ['a text', { by: '5' }, ['by']],
    ['now', { until: inMs(0) }, ['until']],
    ['for too long', { until: inMs(92 * day + 1_000) }, ['until']],
    ['until some day', { until: 'tomorrow' }, ['until']],
    ['for good', { until: null }, ['until']],
    ['by another name', { max: 5 }, ['max']],
    ['by nothing and never', { by: 0.5, until: inMs(-1) }, ['by', 'until']],
  ])('400 for %s', async (_, more, params) => {
    const answer = await raise({ by: 5, until: inMs(60_000), ...more });
    expect([answer.status, problemsOf(answer)]).toEqual([400, params]);
    expect(await shown()).not.toHaveProperty('raises');
  });

  it('404 without the limit or the record, 412 for a revoked token', async () => {
    const body = { by: 5, until: inMs(60_000) };
    expect((await raise(body, { limit: 'none' })).status).toBe(404);
    expect((await raise(body, { of: `${team}/users/nobody` })).status).toBe(404);
    const { id } = await admin.issue({ limits });
    const token = `${team}/tokens/${id}`;
    const own = ((await shown('', token))['limits'] as { id: string }[])[0]?.id ?? '';
    expect((await raise(body, { of: token, limit: own })).status).toBe(201);
    await admin.call('DELETE', token);
    expect((await raise(body, { of: token, limit: own })).status).toBe(412);
  });

  it('412 beyond 16 raises at a time', async () => {
    const body = { by: 1, until: inMs(60_000) };
    for (let n = 0; n < 16; n += 1) expect((await raise(body)).status).toBe(201);
    const answer = await raise(body);
    expect([answer.status, errorOf(answer)['code']]).toEqual([412, 'precondition_failed']);
    admin.nowMs += 60_000;
    expect((await raise({ by: 1, until: inMs(120_000) })).status).toBe(201);
  });

  it('works on a record of any size, and only in the state that If-Match names', async () => {
    const { body } = await admin.call('PATCH', team, { limits, models: Array.from({ length: 64 }, modelOf) });
    expect(JSON.stringify(body).length).toBeGreaterThan(7_900);
    const etag = (await admin.call('GET', team)).headers.get('etag') ?? '';
    const asked = { by: 1, until: inMs(60_000) };
    for (let n = 0; n < 5; n += 1) expect((await raise(asked)).status).toBe(201);
    expect((await raise(asked, { headers: { 'if-match': etag } })).status).toBe(412);
  });

  it('is for administrators of the level above: a team-admin raises its users and tokens, not its team', async () => {
    const made = await admin.call('POST', '/admin/admins', { role: 'team-admin', teams: ['acme'] });
    const headers = bearer(made.body['token'] as string);
    const asked = { by: 1, until: inMs(60_000) };
    const refused = await raise(asked, { headers });
    expect([refused.status, errorOf(refused)['code']]).toEqual([403, 'role_not_allowed']);
    const user = `${team}/users/ana`;
    const { body } = await admin.call('PATCH', user, { limits });
    const limit = (body['limits'] as { id: string }[])[0]?.id ?? '';
    expect((await raise(asked, { of: user, limit, headers })).status).toBe(201);
  });
});

function modelOf(_: unknown, n: number): string {
  return `${n}`.padEnd(115, 'm');
}

describe('DELETE …/raises/:raise', () => {
  it('204 once, and leaves the others', async () => {
    const [one, two] = [
      await raise({ by: 1, until: inMs(9_000) }),
      await raise({ by: 2, until: inMs(9_000) }),
    ];
    const at = `${team}/raises/${one.body['id'] as string}`;
    expect((await admin.call('DELETE', at)).status).toBe(204);
    expect((await shown())['raises']).toEqual([two.body]);
    expect((await admin.call('DELETE', at)).status).toBe(404);
    admin.nowMs += 9_000;
    expect((await admin.call('DELETE', `${team}/raises/${two.body['id'] as string}`)).status).toBe(404);
  });
});

describe('a limit that is raised', () => {
  it('keeps its raise if its max changes or it only observes, also by its list as it was told', async () => {
    const { body } = await raise({ by: 50, until: inMs(60_000) });
    const told = (await shown())['limits'] as JsonObject[];
    const changed = told.map((limit, n) => (n === 0 ? { ...limit, max: 200, enforce: false } : limit));
    expect((await admin.call('PATCH', team, { limits: changed })).status).toBe(200);
    expect(await shown()).toMatchObject({ limits: changed, raises: [body] });
  });

  it('takes no max that is too much with its raise, as long as that lasts', async () => {
    await raise({ by: 50, until: inMs(60_000) });
    const most = limits.map((limit, n) => (n === 0 ? { ...limit, max: 2 ** 53 - 1 } : limit));
    const answer = await admin.call('PATCH', team, { limits: most });
    expect([answer.status, problemsOf(answer)]).toEqual([400, ['limits.0.max']]);
    admin.nowMs += 60_000;
    expect((await admin.call('PATCH', team, { limits: most })).status).toBe(200);
  });

  it('takes its raise with it if it is removed', async () => {
    await raise({ by: 50, until: inMs(60_000) });
    const kept = await raise({ by: 1, until: inMs(60_000) }, { limit: ids[2] ?? '' });
    await admin.call('PATCH', team, { limits: limits.slice(1) });
    expect((await shown())['raises']).toEqual([kept.body]);
    await admin.call('PATCH', team, { limits: null });
    expect((await shown())['raises']).toBeNull();
    await admin.call('PATCH', team, { limits });
    expect((await shown())['raises']).toBeNull();
  });

  it('is in the audit trail with the limit itself: who raised it by how much, and who withdrew that', async () => {
    const { body } = await raise({ by: 50, until: inMs(60_000) });
    await admin.call('DELETE', `${team}/raises/${body['id'] as string}`);
    const { data } = (await admin.call('GET', '/admin/audit?limit=2')).body as { data: JsonObject[] };
    const raises = [{ ...body, limit: limits[0] }];
    expect(data).toMatchObject([
      { operation: 'team.withdraw', before: { raises }, after: { raises: null } },
      { operation: 'team.raise', actor: 'root', before: { raises: null }, after: { raises } },
    ]);
    expect(Object.keys(data[1]?.['after'] ?? {})).toEqual(['raises']);
  });

  it('is exported and imported with its raises, but not with those of limits there are not', async () => {
    const { body } = await raise({ by: 50, until: inMs(60_000) });
    const document = (await admin.call('GET', '/admin/export')).body as { teams: JsonObject[] };
    const other = new Harness();
    expect((await other.call('POST', '/admin/import', document)).status).toBe(200);
    expect((await other.call('GET', team)).body).toMatchObject({ limits, raises: [body] });
    const stray = { ...document, teams: document.teams.map((each) => ({ ...each, limits: [] })) };
    const refused = await other.call('POST', '/admin/import?overwrite=true', stray);
    expect([refused.status, problemsOf(refused)]).toEqual([400, ['teams.0.raises.0.limit']]);
  });
});
