import { describe, expect, it } from 'vitest';
import { DaySums, type GroupingsQuery, onlyGrouping, type SumQuery } from '../../../src/ledger/day-sums.ts';

type Rows = [name: string, figures: number[]][];

const monday: Rows = [
  ['acme/ana', [1, 10]],
  ['acme/bo', [2, 20]],
  ['globex/cy', [4, 40]],
];
const tuesday: Rows = [
  ['acme/ana', [8]], // written before there was a second figure
  ['/', [16, 160, 5]], // by nobody known, and with a figure that is not asked for
];

const days = { from: '2026-03-02', to: '2026-03-03', filters: {} };

function sumsOf(query: GroupingsQuery<string>): DaySums<unknown> {
  return new DaySums({
    query,
    figures: ['requests', 'tokens'],
    decodeName: (name) => {
      const [team = '', user = ''] = name.split('/');
      return { team: team || null, user: user || null };
    },
  });
}

function summed(asked: Partial<SumQuery<string>>): unknown {
  const sums = sumsOf(onlyGrouping({ ...days, groupBy: [], ...asked }));
  sums.add('2026-03-02', monday);
  sums.add('2026-03-03', tuesday);
  return sums.rows()[0];
}

describe('sums of days', () => {
  it.each<[string, Partial<SumQuery<string>>, unknown[]]>([
    ['without groups', {}, [{ requests: 31, tokens: 230 }]],
    ['without groups or rows', { filters: { team: 'none' } }, [{ requests: 0, tokens: 0 }]],
    ['with groups, without rows', { groupBy: ['team'], filters: { team: 'none' } }, []],
    ['with a filter', { filters: { user: 'ana' } }, [{ requests: 9, tokens: 10 }]],
    ['with a filter that is absent', { filters: { user: undefined } }, [{ requests: 31, tokens: 230 }]],
    ['of some teams', { teams: ['acme'] }, [{ requests: 11, tokens: 30 }]],
    ['of no team', { teams: [] }, [{ requests: 0, tokens: 0 }]],
    [
      'of a team that the filter does not name',
      { teams: ['acme'], filters: { team: 'globex' } },
      [{ requests: 0, tokens: 0 }],
    ],
    [
      'by team',
      { groupBy: ['team'] },
      [
        { team: null, requests: 16, tokens: 160 },
        { team: 'acme', requests: 11, tokens: 30 },
        { team: 'globex', requests: 4, tokens: 40 },
      ],
    ],
    [
      'by day and team',
      { groupBy: ['day', 'team'], teams: ['acme'] },
      [
        { day: '2026-03-02', team: 'acme', requests: 3, tokens: 30 },
        { day: '2026-03-03', team: 'acme', requests: 8, tokens: 0 },
      ],
    ],
  ])('%s', (_, query, rows) => {
    expect(summed(query)).toEqual(rows);
  });

  it('are the same in several groupings as in each alone, wherever they come from', () => {
    const groupings = [[], ['day'], ['team', 'user'], ['team']];
    const sums = sumsOf({ ...days, groupings });
    sums.add('2026-03-02', monday);
    sums.add('2026-03-03', tuesday);
    expect(sums.rows()).toEqual(groupings.map((groupBy) => summed({ groupBy })));
    sums.addSums(1, { day: '2026-03-03' }, [1, 2]);
    sums.addSums(3, { team: 'new' }, [3, 4]);
    const [all, byDay, , byTeam] = sums.rows();
    expect(all).toEqual([{ requests: 31, tokens: 230 }]);
    expect(byDay).toContainEqual({ day: '2026-03-03', requests: 25, tokens: 162 });
    expect(byTeam).toContainEqual({ team: 'new', requests: 3, tokens: 4 });
  });
});
