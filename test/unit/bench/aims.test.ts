import { describe, expect, test } from 'vitest';
import { aimsTable } from '../../../bench/aims.ts';
import { columns } from '../../../bench/columns.ts';
import type { Table, Tables } from '../../../bench/report.ts';
import { rowsOf, throughputColumns } from '../../../bench/throughput.ts';

/** A short chat with these instructions and CPU, as multiples of the bare pass-through's. */
function shortChat({ instructions, cpu }: { instructions?: number; cpu: number }): Table {
  const measured = new Map([
    ['bare', { cpuUs: 100, perSecond: 4_000 }],
    ['tollgate', { cpuUs: 100 * cpu, perSecond: 1_000 }],
  ]);
  const counted = new Map(
    instructions === undefined
      ? []
      : [
          ['bare', 100_000],
          ['tollgate', 100_000 * instructions],
        ],
  );
  return {
    title: 'Short chat',
    columns: [...throughputColumns, columns.timesPortkey],
    rows: rowsOf(measured, counted).map(({ name, figures }) => ({ name, figures: [...figures, 4.2] })),
  };
}

const judged = (tables: Tables): Record<string, readonly (number | string)[]> =>
  Object.fromEntries(aimsTable(tables).rows.map(({ name, figures }) => [name, figures]));

describe('aims', () => {
  test('are judged by instructions if they were counted', () => {
    expect(judged({ 'short-chat': shortChat({ instructions: 1.4, cpu: 2 }) })).toEqual({
      'a short chat, 64 at once': ['≤ 1.5 × bare', '1.40 × bare (instructions)', 'yes'],
      'requests a second, one process': ['≥ 5 × Portkey', '4.20 × Portkey', 'no: 16 % below'],
    });
  });

  test('are judged by CPU otherwise', () => {
    expect(judged({ 'short-chat': shortChat({ cpu: 2 }) })['a short chat, 64 at once']).toEqual([
      '≤ 1.5 × bare',
      '2.00 × bare (CPU)',
      'no: 33 % above',
    ]);
  });

  test('are judged by the figure as it is printed', () => {
    const reached = (instructions: number): unknown =>
      judged({ 'short-chat': shortChat({ instructions, cpu: 2 }) })['a short chat, 64 at once']?.[2];
    expect(reached(1.504)).toBe('yes');
    expect(reached(1.506)).toBe('no: 1 % above');
  });

  test('have no verdict on what was not measured', () => {
    const table = shortChat({ cpu: Number.NaN });
    expect(judged({ 'short-chat': table })['a short chat, 64 at once']).toEqual(['≤ 1.5 × bare', '–', '–']);
  });

  test('are refused if their row is missing', () => {
    expect(() => aimsTable({ 'short-chat': { ...shortChat({ cpu: 2 }), rows: [] } })).toThrow(
      'no row tollgate',
    );
  });
});
