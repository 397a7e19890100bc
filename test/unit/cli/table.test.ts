import { describe, expect, it } from 'vitest';
import { allowed, fieldList, plain, shortTime } from '../../../src/cli/cells.ts';
import { table } from '../../../src/cli/table.ts';

describe('table', () => {
  const columns = [
    { title: 'NAME', cell: (row: object): string => plain((row as { name: string }).name) },
    { title: 'COUNT', cell: (row: object): string => plain((row as { count: number }).count), right: true },
    { title: 'X', cell: (): string => '' },
  ];

  it('aligns words to the left and figures to the right', () => {
    const rows = [
      { name: 'a', count: 100_000 },
      { name: 'longer', count: 7 },
    ];
    expect(table(columns, rows).split('\n')).toEqual([
      'NAME     COUNT  X',
      'a       100000',
      'longer       7',
    ]);
  });

  it('says so where there is nothing', () => {
    expect(table(columns, [])).toBe('None.');
  });
});

describe('a cell', () => {
  it.each([
    [null, '-'],
    [undefined, '-'],
    [0, '0'],
    [false, 'false'],
    ['text', 'text'],
    [[], 'none'],
    [['a', 'b'], 'a, b'],
    [{ metric: 'tokens', window: 'day', max: 5 }, 'tokens/day=5'],
    [{ metric: 'concurrency', max: 5, models: ['a', 'b'] }, 'concurrency=5@a,b'],
    ['\u001b[2Jgone\r\n', '?[2Jgone??'],
  ])('shows %j as %j', (value, text) => {
    expect(plain(value)).toBe(text);
  });

  it('tells a list that is absent from one that allows nothing', () => {
    expect([allowed('models', null), allowed('models', []), allowed('models', ['m'])]).toEqual([
      'any',
      'none',
      'm',
    ]);
  });

  it('shows times to the minute', () => {
    expect(shortTime('2026-02-03T12:30:45.000Z')).toBe('2026-02-03 12:30');
    expect(shortTime(null)).toBe('-');
  });
});

describe('fieldList', () => {
  it('shows a record field by field', () => {
    const record = { id: 'acme', limits: [], models: null, created_at: '2026-02-03T12:30:45.000Z' };
    expect(fieldList(record).split('\n')).toEqual([
      'id          acme',
      'limits      none',
      'models      any',
      'created_at  2026-02-03T12:30:45.000Z',
    ]);
  });
});
