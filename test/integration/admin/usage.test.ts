import { beforeEach, describe, expect, it } from 'vitest';
import { errorOf, Harness, problemsOf } from './harness.ts';

let admin: Harness;

beforeEach(() => {
  admin = new Harness();
});

describe('GET /admin/usage', () => {
  it('200 with what the ledger says', async () => {
    const answer = await admin.call('GET', '/admin/usage?group_by=team');
    expect(answer.status).toBe(200);
    expect(answer.body['data']).toMatchObject([{ team: 'acme', requests: 1, input_tokens: 2 }]);
  });

  it.each([
    ['', { from: '2026-02-03', to: '2026-02-03', filters: {}, groupBy: [] }],
    ['from=2026-02-01', { from: '2026-02-01', to: '2026-02-03' }],
    ['to=2026-01-31', { from: '2024-12-28', to: '2026-01-31' }],
    ['from=2026-03-01', { from: '2026-03-01', to: '2026-03-01' }],
    ['from=2026-01-01&to=2026-01-31', { from: '2026-01-01', to: '2026-01-31' }],
    ['from=2026-01-01T00:00:00Z&to=2026-01-31T00:00:00.000Z', { from: '2026-01-01', to: '2026-01-30' }],
    ['from=2026-01-01T02:00:00%2B02:00', { from: '2026-01-01' }],
    ['from=2025-01-01&to=2026-02-04', { from: '2025-01-01', to: '2026-02-04' }],
    ['group_by=user,day,user', { groupBy: ['day', 'team', 'user'] }],
    ['group_by=token', { groupBy: ['team', 'token'] }],
    [
      'team=acme&user=ana&token=tok_1&model=m:1&endpoint=/v1/embeddings',
      { filters: { team: 'acme', user: 'ana', token: 'tok_1', model: 'm:1', endpoint: '/v1/embeddings' } },
    ],
  ])('200 for %s', async (query, asked) => {
    expect((await admin.call('GET', `/admin/usage?${query}`)).status).toBe(200);
    expect(admin.ledger.usageQueries).toMatchObject([asked]);
  });

  it('200 as CSV and NDJSON, day by day where it is told by day', async () => {
    const path = '/admin/usage?group_by=day,team&from=2026-02-01';
    const csv = await admin.request('GET', path, undefined, { accept: 'text/csv' });
    const [head, ...lines] = (await csv.text()).split('\r\n');
    expect(head).toBe(
      'day,team,requests,input_tokens,output_tokens,images,errors,aborted,lost,cost_usd,search_units,cache_read_tokens,cache_write_tokens',
    );
    expect(lines).toEqual([
      ',acme,1,2,3,0,0,0,0,0,0,0,0',
      ',acme,1,2,3,0,0,0,0,0,0,0,0',
      ',acme,1,2,3,0,0,0,0,0,0,0,0',
      '',
    ]);
    expect(csv.headers.get('content-disposition')).toBe(
      'attachment; filename="tollgate-usage-2026-02-01-to-2026-02-03.csv"',
    );
    expect(csv.headers.get('vary')).toBe('Accept');
    expect(csv.headers.get('cache-control')).toBe('no-store');
    expect(csv.headers.get('x-request-id')).toBe('made-request-id-0001');
    expect(admin.ledger.usageQueries.map(({ from, to }) => [from, to])).toEqual([
      ['2026-02-01', '2026-02-01'],
      ['2026-02-02', '2026-02-02'],
      ['2026-02-03', '2026-02-03'],
    ]);
    const ndjson = await admin.request('GET', '/admin/usage?format=ndjson', undefined, {
      accept: 'text/csv',
    });
    expect(JSON.parse(await ndjson.text())).toMatchObject({ requests: 1, input_tokens: 2 });
  });

  it.each([
    ['from=yesterday', ['from']],
    ['from=2026-02-30', ['from']],
    ['from=2026-02-01T12:00:00Z&to=2026-02-01T23:59:59Z', ['from', 'to']],
    ['to=2026-02-01T00:00:00Z&from=2026-02-01', ['from']],
    ['from=9999-12-31T23:59:59-23:59', ['from']],
    ['from=2026-02-02&to=2026-02-01', ['from']],
    ['from=2025-01-01&to=2026-02-05', ['from']],
    ['group_by=', ['group_by']],
    ['group_by=day,cat', ['group_by']],
    ['team=A&user=&token=x&model=a%20b&endpoint=v1', ['team', 'user', 'token', 'model', 'endpoint']],
    ['team=acme&team=beta', ['team']],
    ['groupby=day&limit=1', ['groupby', 'limit']],
  ])('400 for %s', async (query, params) => {
    const answer = await admin.call('GET', `/admin/usage?${query}`);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)['code']).toBe('invalid_request');
    expect(problemsOf(answer)).toEqual(params);
    expect(admin.ledger.usageQueries).toEqual([]);
  });
});
