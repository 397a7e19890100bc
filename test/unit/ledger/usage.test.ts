import { describe, expect, it } from 'vitest';
import { encodeTotalsRow } from '../../../src/ledger/entry-text.ts';
import type { UsageQuery } from '../../../src/ledger/entry.ts';
import { daysBetween } from '../../../src/base/days.ts';
import { UsageSums } from '../../../src/ledger/usage.ts';

describe('daysBetween', () => {
  it('are whole UTC days, both ends included', () => {
    expect(daysBetween('2024-02-28', '2024-03-01')).toEqual(['2024-02-28', '2024-02-29', '2024-03-01']);
    expect(daysBetween('2025-12-31', '2026-01-01')).toEqual(['2025-12-31', '2026-01-01']);
    expect(daysBetween('2026-03-29', '2026-03-29')).toEqual(['2026-03-29']);
  });

  it('are none where the end is before the beginning', () => {
    expect(daysBetween('2026-01-02', '2026-01-01')).toEqual([]);
  });
});

describe('UsageSums', () => {
  const row = (team: string, user = 'ana'): string =>
    encodeTotalsRow({ team, user, token: 'tok_1', model: 'm', endpoint: '/v1/embeddings' });
  const query = (more: Partial<UsageQuery>): UsageQuery => ({
    from: '2026-01-01',
    to: '2026-01-01',
    filters: {},
    groupBy: [],
    ...more,
  });

  it('take missing figures of older rows as 0, and leave newer ones out', () => {
    const sums = new UsageSums(query({}));
    sums.add({
      day: '2026-01-01',
      rows: [
        [row('a'), [1, 2]],
        [row('b'), [1, 2, 3, 4, 5, 6, 7, 8_000, 9, 10]],
      ],
    });
    expect(sums.rows()).toEqual([
      {
        requests: 2,
        input_tokens: 4,
        output_tokens: 3,
        images: 4,
        errors: 5,
        aborted: 6,
        lost: 7,
        cost_usd: 0.000008,
        search_units: 9,
      },
    ]);
  });

  it('sort by each group before the next, whatever characters ids have', () => {
    const sums = new UsageSums(query({ groupBy: ['team', 'user'] }));
    const names = [
      ['a', 'z'],
      ['a-b', 'a'],
      ['a0', 'a'],
      ['a', '-'],
    ] as const;
    sums.add({ day: '2026-01-01', rows: names.map(([team, user]) => [row(team, user), [1]] as const) });
    expect(sums.rows().map(({ team, user }) => [team, user])).toEqual([
      ['a', '-'],
      ['a', 'z'],
      ['a-b', 'a'],
      ['a0', 'a'],
    ]);
  });
});
