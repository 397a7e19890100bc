import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { niceMax, type Series, topSeries } from '../../../console/parts/chart.ts';
import { daysIn, seriesOf, type UsageRow } from '../../../console/usage-series.ts';

const figure = fc.integer({ min: 0, max: 1_000_000 });

function total(series: readonly Series[]): number {
  return series.flatMap(({ values }) => values).reduce((sum, value) => sum + value, 0);
}

describe('the series of a chart', () => {
  it('are the largest, largest first, and the rest together', () => {
    const eight = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ name: `n${n}`, values: [n, n] }));
    const shown = topSeries(eight);
    expect(shown.map(({ name }) => name)).toEqual(['n8', 'n7', 'n6', 'n5', 'n4', '3 others']);
    expect(shown.at(-1)?.values).toEqual([6, 6]);
  });

  it('are never more than the colours, and lose nothing', () => {
    const some = fc.integer({ min: 1, max: 5 }).chain((length) =>
      fc.array(
        fc.array(figure, { minLength: length, maxLength: length }).map((values) => ({ name: 'x', values })),
        { maxLength: 20 },
      ),
    );
    fc.assert(
      fc.property(some, (series) => {
        const shown = topSeries(series);
        expect(shown.length).toBeLessThanOrEqual(6);
        expect(total(shown)).toBe(total(series));
      }),
    );
  });
});

describe('the top of an axis', () => {
  it.each([
    [0, 1],
    [1, 1],
    [7, 8],
    [9, 10],
    [10, 10],
    [11, 20],
    [420, 500],
    [1_000, 1_000],
  ])('%d: %d', (value, top) => {
    expect(niceMax(value)).toBe(top);
  });

  it('is not less than the value, nor more than twice as much', () => {
    const positive = fc.double({ min: 1e-9, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(positive, (value) => {
        expect(niceMax(value)).toBeGreaterThanOrEqual(value);
        expect(niceMax(value)).toBeLessThanOrEqual(value * 2 * (1 + 1e-9));
      }),
    );
  });
});

const none = {
  requests: 0,
  input_tokens: 0,
  output_tokens: 0,
  images: 0,
  errors: 0,
  aborted: 0,
  lost: 0,
  cost_usd: 0,
};

describe('usage from day to day', () => {
  it('has every day of a range, over the end of a month and a leap day', () => {
    expect(daysIn({ from: '2028-02-28', to: '2028-03-01' })).toEqual([
      '2028-02-28',
      '2028-02-29',
      '2028-03-01',
    ]);
    expect(daysIn({ from: '2026-11-30', to: '2026-11-29' })).toEqual([]);
    expect(daysIn({ from: 'nonsense', to: '2026-11-29' })).toEqual([]);
  });

  it('is a series for each group, with 0 on a day without a row; users of two teams are kept apart', () => {
    const rows: UsageRow[] = [
      { ...none, day: '2026-11-01', team: 'a', user: 'ana', requests: 1 },
      { ...none, day: '2026-11-03', team: 'a', user: 'ana', requests: 3 },
      { ...none, day: '2026-11-02', team: 'b', user: 'ana', requests: 2 },
    ];
    const range = { from: '2026-11-01', to: '2026-11-03' };
    expect(seriesOf(rows, { range, by: 'user', figure: 'requests' })).toEqual([
      { name: 'a/ana', values: [1, 0, 3] },
      { name: 'b/ana', values: [0, 2, 0] },
    ]);
    expect(seriesOf(rows, { range, by: null, figure: 'requests' })).toEqual([
      { name: 'All', values: [1, 2, 3] },
    ]);
  });
});
