import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { overviewSums, type PeriodName, periodOf } from '../../../src/reports/overview.ts';
import { noUsage } from '../../support/no-usage.ts';

describe('the period of an overview', () => {
  const nowMs = Date.parse('2026-03-05T23:59:59.999Z');

  it.each<[PeriodName, string]>([
    ['today', '2026-03-05'],
    ['7d', '2026-02-27'],
    ['30d', '2026-02-04'],
    ['month', '2026-03-01'],
  ])('%s is whole days in UTC from %s to today', (name, from) => {
    expect(periodOf(name, nowMs)).toEqual({ name, from, to: '2026-03-05' });
  });
});

describe('the sums of an overview', () => {
  const period = { name: '7d', from: '2026-03-01', to: '2026-03-03' } as const;

  function ledgerOf(rows: {
    users?: { user: string; cost_usd?: number; input_tokens?: number; requests?: number }[];
    refusedByTeam?: { team: string | null; refused: number }[];
  }): Pick<Ledger, 'groupedUsage' | 'groupedRefusals'> {
    const users = (rows.users ?? []).map((row) => ({ team: 'acme', ...noUsage, ...row }));
    const byDay = [{ day: '2026-03-02', ...noUsage, requests: 4 }];
    const refusedByTeam = (rows.refusedByTeam ?? []).map((row) => ({ ...row, last_at: null }));
    return {
      groupedUsage: async () => [[noUsage], byDay, users, []],
      groupedRefusals: async () => [
        [{ refused: 9, last_at: null }],
        [{ day: '2026-03-03', refused: 9, last_at: null }],
        [
          { code: 'invalid_token', refused: 2, last_at: null },
          { code: 'insufficient_quota', refused: 7, last_at: null },
        ],
        refusedByTeam,
      ],
    };
  }

  it('have every day of the period, whatever happened on it', async () => {
    const { series, figures } = await overviewSums(ledgerOf({}), period);
    expect(series).toEqual([
      { day: '2026-03-01', ...noUsage, refused: 0 },
      { day: '2026-03-02', ...noUsage, requests: 4, refused: 0 },
      { day: '2026-03-03', ...noUsage, refused: 9 },
    ]);
    expect(figures).toEqual({ ...noUsage, refused: 9 });
  });

  it('name ten users: who cost most, then who used most', async () => {
    const many = Array.from({ length: 20 }, (_, n) => ({ user: `u${n}`, requests: 1 }));
    const users = [
      ...many,
      { user: 'talks', input_tokens: 900 },
      { user: 'asks', requests: 5 },
      { user: 'pays', cost_usd: 0.1 },
    ];
    const { topUsers } = await overviewSums(ledgerOf({ users }), period);
    expect(topUsers).toHaveLength(10);
    expect(topUsers.slice(0, 4).map(({ user }) => user)).toEqual(['pays', 'talks', 'asks', 'u0']);
  });

  it('name the most frequent refusals first, and who asked how often', async () => {
    const { refusals, askedBy } = await overviewSums(
      ledgerOf({
        users: [
          { user: 'ana', requests: 2 },
          { user: 'bob', requests: 3 },
        ],
        refusedByTeam: [
          { team: null, refused: 2 },
          { team: 'acme', refused: 7 },
        ],
      }),
      period,
    );
    expect(refusals).toEqual([
      { code: 'insufficient_quota', refused: 7 },
      { code: 'invalid_token', refused: 2 },
    ]);
    expect(askedBy.get('acme')).toBe(12);
  });
});
