import { describe, expect, it } from 'vitest';
import { plain } from '../../../src/cli/cells.ts';
import { fittedTable } from '../../../src/cli/fitted-table.ts';
import { table, type Column } from '../../../src/cli/table.ts';

const text = (title: string): Column => ({ title, cell: (row) => plain(row[title]) });
const figure = (title: string): Column => ({ ...text(title), right: true });
const widthOf = (printed: string): number => Math.max(...printed.split('\n').map((line) => line.length));

describe('fittedTable', () => {
  it('is the plain table where that fits', () => {
    const columns = [text('A'), figure('B')];
    const rows = [{ A: 'x'.repeat(70), B: 12345678 }];
    expect(fittedTable(columns, rows)).toBe(table(columns, rows));
    expect(fittedTable(columns, [])).toBe('None.');
  });

  it('shortens the longest texts first, and figures never', () => {
    const rows = [{ A: 'a'.repeat(60), B: 'short', C: 'c'.repeat(40), N: 9_007_199_254_740_991 }];
    const printed = fittedTable([text('A'), text('B'), text('C'), figure('N')], rows);
    expect(widthOf(printed)).toBe(80);
    expect(printed).toContain('9007199254740991');
    expect(printed).toContain('  short  ');
    expect(printed).toMatch(/a{25,26}…/);
    expect(printed).toMatch(/c{25,26}…/);
  });

  it('tells each row a field a line where there are too many columns', () => {
    const columns = Array.from({ length: 12 }, (_, n) => figure(`FIGURE${n}`));
    const rows = [1, 2].map((n) => Object.fromEntries(columns.map(({ title }) => [title, n])));
    const printed = fittedTable(columns, rows);
    expect(widthOf(printed)).toBeLessThanOrEqual(80);
    expect(printed.split('\n')).toHaveLength(25);
    expect(printed).toMatch(/^FIGURE0 {3}1\n/);
  });
});
