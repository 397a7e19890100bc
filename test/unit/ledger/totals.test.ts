import { describe, expect, it } from 'vitest';
import { encodeTotalsRow, usageFigures } from '../../../src/ledger/totals.ts';
import { usageRows, usageSums } from '../../../src/ledger/usage-sums.ts';
import type { GroupingsQuery } from '../../../src/ledger/day-sums.ts';
import type { UsageGroup, UsageQuery } from '../../../src/ledger/totals.ts';
import { noUsage } from '../../support/no-usage.ts';
import { daysBetween } from '../../../src/base/days.ts';

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

describe('usageSums', () => {
  const row = (team: string, user = 'ana'): string =>
    encodeTotalsRow({ team, user, token: 'tok_1', model: 'm', endpoint: '/v1/embeddings' });
  const query = (groupBy: UsageQuery['groupBy']): GroupingsQuery<UsageGroup> => ({
    from: '2026-01-01',
    to: '2026-01-01',
    filters: {},
    groupings: [groupBy],
  });

  it('keep their figures in the order of the stored rows', () => {
    expect(usageFigures.slice(0, 9)).toEqual([
      'requests',
      'input_tokens',
      'output_tokens',
      'images',
      'errors',
      'aborted',
      'lost',
      'cost_usd',
      'search_units',
    ]);
  });

  it('take missing figures of older rows as 0, and leave newer ones out', () => {
    const sums = usageSums(query([]));
    sums.add('2026-01-01', [
      [row('a'), [1, 2]],
      [row('b'), [1, 2, 3, 4, 5, 6, 7, 8_000, 9, ...usageFigures.slice(9).map(() => 0), 10]],
    ]);
    expect(usageRows(sums)[0]).toEqual([
      {
        ...noUsage,
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
    const sums = usageSums(query(['team', 'user']));
    const names = [
      ['a', 'z'],
      ['a-b', 'a'],
      ['a0', 'a'],
      ['a', '-'],
    ] as const;
    sums.add(
      '2026-01-01',
      names.map(([team, user]) => [row(team, user), [1]] as const),
    );
    expect(sums.rows()[0]?.map(({ team, user }) => [team, user])).toEqual([
      ['a', '-'],
      ['a', 'z'],
      ['a-b', 'a'],
      ['a0', 'a'],
    ]);
  });
});
