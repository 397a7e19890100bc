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
    ['to=2026-01-31', { from: '2026-01-31', to: '2026-01-31' }],
    ['from=2026-03-01', { from: '2026-03-01', to: '2026-03-01' }],
    ['from=2026-01-01&to=2026-01-31', { from: '2026-01-01', to: '2026-01-31' }],
    ['from=2026-01-01T00:00:00Z&to=2026-01-31T00:00:00.000Z', { from: '2026-01-01', to: '2026-01-31' }],
    ['from=2026-01-01T02:00:00%2B02:00', { from: '2026-01-01' }],
    ['from=2025-01-01&to=2026-02-04', { from: '2025-01-01', to: '2026-02-04' }],
    ['group_by=user,day,user', { groupBy: ['day', 'user'] }],
    [
      'team=acme&user=ana&token=tok_1&model=m:1&endpoint=/v1/embeddings',
      { filters: { team: 'acme', user: 'ana', token: 'tok_1', model: 'm:1', endpoint: '/v1/embeddings' } },
    ],
  ])('200 for %s', async (query, asked) => {
    expect((await admin.call('GET', `/admin/usage?${query}`)).status).toBe(200);
    expect(admin.ledger.usageQueries).toMatchObject([asked]);
  });

  it.each([
    ['from=yesterday', ['from']],
    ['from=2026-02-30', ['from']],
    ['from=2026-02-01T12:00:00Z', ['from']],
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
