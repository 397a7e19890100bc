import { expect, test } from 'vitest';
import { instructionsIn } from '../../../bench/instructions/perf.ts';
import { figure, markdown, median } from '../../../bench/report.ts';

test('figures have three significant digits, and a dash stands for none', () => {
  expect([0.567, 12.34, 1_234.5, Number.NaN].map(figure)).toEqual(['0.57', '12.3', '1,235', '–']);
});

test('the median of an even number of figures is the upper of the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(3);
});

test('a table is Markdown whose columns are aligned', () => {
  const table = { title: 'T', columns: ['a', 'reached'], rows: [{ name: 'bare', figures: [1.5, 'yes'] }] };
  expect(markdown(table)).toBe(
    [
      '|      |    a | reached |', //
      '| ---- | ---: | ------: |',
      '| bare | 1.50 |     yes |',
      '',
    ].join('\n'),
  );
});

test('counts of perf are added up over kinds of cores', () => {
  expect(
    instructionsIn('1200,,cpu_core/instructions:u/,9,60.00,,\n34,,cpu_atom/instructions:u/,6,40.00,,\n'),
  ).toBe(1_234);
});

test('perf that may not count gives no count', () => {
  expect(instructionsIn('<not supported>,,instructions:u,0,100.00,,\n')).toBeNull();
});
