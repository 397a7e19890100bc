import { describe, expect, it } from 'vitest';
import { allowed, plain, shortTime } from '../../../src/cli/cells.ts';

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
    [
      { metric: 'tokens', window: 'day', max: 5, count_cached: false, models: ['a'] },
      'tokens/day=5:uncached@a',
    ],
    [{ metric: 'tokens', window: 'day', max: 5, count_cached: true }, 'tokens/day=5'],
    [{ metric: 'concurrency', max: 5, models: ['a'], enforce: false }, 'concurrency=5:observe@a'],
    [{ metric: 'concurrency', max: 5, models: ['a', 'b'] }, 'concurrency=5@a,b'],
    ['\u001b[2Jgone\r\n', '?[2Jgone??'],
    ['\u202egpj.exe\u2028\ud800', '?gpj.exe??'],
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
