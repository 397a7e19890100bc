import { beforeEach, describe, expect, it } from 'vitest';
import { errorOf, Harness, problemsOf } from './harness.ts';

let admin: Harness;

beforeEach(() => {
  admin = new Harness();
});

describe('GET /admin/requests', () => {
  it('200 with what the ledger says', async () => {
    const answer = await admin.call('GET', '/admin/requests');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ data: [], next_cursor: '12-0' });
  });

  it.each([
    ['', { limit: 50, cursor: null, filters: {} }],
    ['from=2026-01-31', { admitted: { fromMs: Date.UTC(2026, 0, 31), beforeMs: undefined } }],
    ['to=2026-01-31', { admitted: { beforeMs: Date.UTC(2026, 1, 1) } }],
    [
      'from=2026-01-31&to=2026-01-31',
      { admitted: { fromMs: Date.UTC(2026, 0, 31), beforeMs: Date.UTC(2026, 1, 1) } },
    ],
    [
      'from=2026-01-31T10:00:00%2B02:00&to=2026-01-31T08:00:00.001Z',
      { admitted: { fromMs: Date.UTC(2026, 0, 31, 8), beforeMs: Date.UTC(2026, 0, 31, 8) + 1 } },
    ],
    ['model=(not%20accepted)', { filters: { model: '(not accepted)' } }],
    ['limit=1', { limit: 1 }],
    ['limit=1000', { limit: 1_000 }],
    ['cursor=1770000000000-12', { cursor: '1770000000000-12' }],
    ['team=acme&outcome=lost', { filters: { team: 'acme', outcome: 'lost' } }],
    [
      'user=ana&token=tok_1&model=m&endpoint=/v1/embeddings',
      { filters: { user: 'ana', token: 'tok_1', model: 'm', endpoint: '/v1/embeddings' } },
    ],
  ])('200 for %s', async (query, asked) => {
    expect((await admin.call('GET', `/admin/requests?${query}`)).status).toBe(200);
    expect(admin.ledger.entryQueries).toMatchObject([asked]);
  });

  it.each([
    ['limit=0', ['limit']],
    ['limit=1001', ['limit']],
    ['limit=-1', ['limit']],
    ['limit=1e2', ['limit']],
    ['limit=', ['limit']],
    ['cursor=', ['cursor']],
    ['cursor=abc', ['cursor']],
    ['cursor=99999999999999999999999-0', ['cursor']],
    ['outcome=fine', ['outcome']],
    ['from=yesterday&to=2026-02-30', ['from', 'to']],
    ['from=2026-01-02&to=2026-01-01', ['from']],
    ['from=2026-01-01T12:00:00Z&to=2026-01-01T12:00:00Z', ['from']],
    ['from=2026-01-01T12:00:00', ['from']],
    ['format=xml', ['format']],
    ['format=csv&format=json', ['format']],
    ['limit=1&limit=2&team=A', ['limit']],
  ])('400 for %s', async (query, params) => {
    const answer = await admin.call('GET', `/admin/requests?${query}`);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)['code']).toBe('invalid_request');
    expect(problemsOf(answer)).toEqual(params);
    expect(admin.ledger.entryQueries).toEqual([]);
  });
});
