import { beforeEach, describe, expect, it } from 'vitest';
import { errorOf, Harness, problemsOf } from './harness.ts';

let admin: Harness;

beforeEach(() => {
  admin = new Harness();
});

describe('GET /admin/refusals', () => {
  it('200 with what was counted, as JSON, CSV and NDJSON', async () => {
    const path = '/admin/refusals?group_by=code,team';
    const row = { team: null, code: 'invalid_token', refused: 3, last_at: null };
    const json = await admin.call('GET', path);
    expect([json.status, json.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(json.body).toEqual({ data: [row] });

    const csv = await admin.request('GET', path, undefined, { accept: 'text/csv' });
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(csv.headers.get('content-disposition')).toBe(
      'attachment; filename="tollgate-refusals-2026-02-03.csv"',
    );
    expect(await csv.text()).toBe('team,code,refused,last_at\r\n,invalid_token,3,\r\n');

    const ndjson = await admin.request('GET', `${path}&format=ndjson`);
    expect(ndjson.headers.get('content-type')).toBe('application/x-ndjson');
    expect(await ndjson.text()).toBe(`${JSON.stringify(row)}\n`);
  });

  it('406 for a format there is not', async () => {
    const answer = await admin.call('GET', '/admin/refusals', undefined, { accept: 'text/html' });
    expect(answer.status).toBe(406);
    expect(errorOf(answer)).toMatchObject({ code: 'invalid_request', type: 'invalid_request_error' });
  });

  it.each([
    ['', { from: '2026-02-03', to: '2026-02-03', filters: {}, groupBy: [] }],
    ['group_by=limit,model', { groupBy: ['model', 'limit'] }],
    ['from=2026-01-01&to=2026-01-31&group_by=code,day', { from: '2026-01-01', groupBy: ['day', 'code'] }],
    [
      'team=acme&user=ana&token=tok_1&endpoint=other&code=overloaded',
      { filters: { team: 'acme', user: 'ana', token: 'tok_1', endpoint: 'other', code: 'overloaded' } },
    ],
  ])('200 for %s', async (query, asked) => {
    expect((await admin.call('GET', `/admin/refusals?${query}`)).status).toBe(200);
    expect(admin.ledger.refusalQueries[0]).toMatchObject(asked);
  });

  it.each([
    ['model=m', ['model']],
    ['code=nonsense&endpoint=elsewhere', ['endpoint', 'code']],
    ['team=*&user=%25&token=tok_%0A', ['team', 'user', 'token']],
    ["code=');redis.call('FLUSHALL')--", ['code']],
    ['group_by=session', ['group_by']],
    ['from=2026-02-02&to=2026-02-01', ['from']],
  ])('400 for %s', async (query, params) => {
    const answer = await admin.call('GET', `/admin/refusals?${query}`);
    expect(answer.status).toBe(400);
    expect(problemsOf(answer)).toEqual(params);
    expect(admin.ledger.refusalQueries).toEqual([]);
  });
});
