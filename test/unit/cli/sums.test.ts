import { array, assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byPeriod, sorted, totalOf } from '../../../src/cli/sums.ts';

const day = (date: string, team: string, requests: number, cost_usd = 0) => ({
  day: date,
  team,
  requests,
  cost_usd,
});

describe('sums of days', () => {
  it('are put together to weeks, which begin on Monday, and to months', () => {
    const rows = [
      day('2026-01-31', 'acme', 1), // a Saturday
      day('2026-02-01', 'acme', 2), // a Sunday
      day('2026-02-01', 'beta', 4),
      day('2026-02-02', 'acme', 8), // a Monday
    ];
    expect(byPeriod(rows, 'week', ['week', 'team'])).toEqual([
      { week: '2026-01-26', team: 'acme', requests: 3, cost_usd: 0 },
      { week: '2026-01-26', team: 'beta', requests: 4, cost_usd: 0 },
      { week: '2026-02-02', team: 'acme', requests: 8, cost_usd: 0 },
    ]);
    expect(byPeriod(rows, 'month', ['month', 'team'])).toEqual([
      { month: '2026-01', team: 'acme', requests: 1, cost_usd: 0 },
      { month: '2026-02', team: 'acme', requests: 10, cost_usd: 0 },
      { month: '2026-02', team: 'beta', requests: 4, cost_usd: 0 },
    ]);
    expect(byPeriod([], 'month', ['month'])).toEqual([]);
  });

  it('are exact to the nano-dollar', () => {
    expect(0.1 + 0.2).not.toBe(0.3);
    expect(totalOf([day('', 'a', 1, 0.1), day('', 'b', 1, 0.2)], ['team'])).toMatchObject({ cost_usd: 0.3 });
    assert(
      property(array(integer({ min: 0, max: 1e12 }), { minLength: 1 }), (nanos) => {
        const rows = nanos.map((nano) => ({ cost_usd: nano / 1e9 }));
        const sum = nanos.reduce((all, nano) => all + nano, 0);
        expect(totalOf(rows, [])).toEqual({ cost_usd: sum / 1e9 });
      }),
    );
  });

  it('have the latest of times, and a time beside none', () => {
    const rows = [
      { code: 'a', refused: 1, last_at: null },
      { code: 'b', refused: 2, last_at: '2026-02-02T00:00:00.000Z' },
      { code: 'c', refused: 3, last_at: '2026-02-01T00:00:00.000Z' },
    ];
    expect(totalOf(rows, ['code'])).toMatchObject({ refused: 6, last_at: '2026-02-02T00:00:00.000Z' });
  });
});

describe('the order of rows', () => {
  const rows = [
    { team: 'b', input_tokens: 2, cost_usd: 0 },
    { team: null, input_tokens: 10, cost_usd: 1 },
    { team: 'a', input_tokens: 1, cost_usd: 3 },
  ];
  const columns = ['team', 'input_tokens', 'cost_usd'];
  const by = (column: string) => sorted(rows, column, columns).map((row) => row['input_tokens']);

  it('is the largest figure first, and names from A on; the other way round after a minus', () => {
    expect(by('input')).toEqual([10, 2, 1]);
    expect(by('-input_tokens')).toEqual([1, 2, 10]);
    expect(by('cost')).toEqual([1, 10, 2]);
    expect(by('team')).toEqual([10, 1, 2]);
    expect(by('-team')).toEqual([2, 1, 10]);
  });

  it('is by no column that is not there', () => {
    expect(() => by('user')).toThrow('--sort takes one of team, input_tokens, cost_usd.');
  });
});
