import { array, assert, constantFrom, integer, oneof, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { day, plain } from '../../../src/cli/cells.ts';
import { widthOf } from '../../../src/cli/text-width.ts';
import { type Column, fittedTable } from '../../../src/cli/table.ts';
import { anyCharacter } from '../../support/any-character.ts';

const text = (title: string): Column => ({ title, cell: (row) => plain(row[title]) });
const figure = (title: string): Column => ({ ...text(title), right: true });
const id = (title: string): Column => ({ ...text(title), whole: true });
const widest = (printed: string): number => Math.max(...printed.split('\n').map(widthOf));

describe('fittedTable', () => {
  it('aligns words to the left and figures to the right', () => {
    const rows = [
      { NAME: 'a', COUNT: 100_000 },
      { NAME: 'longer', COUNT: 7 },
    ];
    const columns = [text('NAME'), figure('COUNT'), { title: 'X', cell: () => '' }];
    expect(fittedTable(columns, rows).split('\n')).toEqual([
      'NAME     COUNT  X',
      'a       100000',
      'longer       7',
    ]);
  });

  it('says so where there is nothing', () => {
    expect(fittedTable([text('A')], [])).toBe('None.');
    expect(fittedTable([text('A'.repeat(50)), figure('B'.repeat(50))], [])).toBe('None.');
  });

  it('leaves out a column in which no row has anything, if it may', () => {
    const rows = [
      { A: 'a', NAME: null, N: 0, M: 0, ZERO: '0' },
      { A: 'b', NAME: null, N: 0, M: 1, ZERO: null },
    ];
    const optional = (column: Column): Column => ({ ...column, optional: true });
    const columns = [text('A'), ...[text('NAME'), figure('N'), figure('M'), text('ZERO')].map(optional)];
    expect(fittedTable(columns, rows).split('\n')).toEqual(['A  M  ZERO', 'a  0  0', 'b  1  -']);
  });

  it('is as wide as the terminal', () => {
    const rows = [{ A: 'a'.repeat(200) }];
    for (const width of [40, 80, 132]) expect(widest(fittedTable([text('A')], rows, width))).toBe(width);
    expect(widest(fittedTable([text('A')], rows, 300))).toBe(200);
  });

  it('shortens the longest texts first, and figures and ids never', () => {
    const rows = [
      { I: 'tok_1234567890', A: 'a'.repeat(60), B: 'short', C: 'c'.repeat(40), N: 9_007_199_254_740_991 },
    ];
    const printed = fittedTable([id('I'), text('A'), text('B'), text('C'), figure('N')], rows);
    expect(widest(printed)).toBe(80);
    expect(printed).toContain('9007199254740991');
    expect(printed).toContain('tok_1234567890  a');
    expect(printed).toContain('  short  ');
    expect(printed).toMatch(/a{17,18}…/);
    expect(printed).toMatch(/c{17,18}…/);
  });

  it('shortens what rows are named after only as far as no two look alike', () => {
    const apart = (title: string): Column => ({ ...text(title), apart: true });
    const columns = [apart('MODEL'), ...Array.from({ length: 6 }, (_, n) => figure(`FIGURE_${n}0`))];
    const named = (...models: string[]) =>
      fittedTable(
        columns,
        models.map((MODEL) => ({ MODEL, FIGURE_00: 1 })),
      );

    const near = named('claude-4-5-haiku', 'claude-4-5-sonnet', 'nova-lite');
    expect(near.split('\n').map((line) => line.split(' ', 1)[0])).toEqual([
      'MODEL',
      'claude-4-5-ha…',
      'claude-4-5-so…',
      'nova-lite',
    ]);
    expect(widest(near)).toBe(80);

    const nearer = named('claude-sonnet-4-5-20250929', 'claude-sonnet-4-5-20251001');
    expect(nearer).toMatch(/^MODEL {6}claude-sonnet-4-5-20250929\n/);
    expect(nearer).toContain('\nMODEL      claude-sonnet-4-5-20251001\n');
  });

  it('keeps columns in line beside wide characters', () => {
    const rows = [
      { A: '日本語', B: 'x' },
      { A: 'e\u0301te\u0301', B: 'x' },
      { A: '👩‍👩‍👧', B: 'x' },
    ];
    const [, ...lines] = fittedTable([text('A'), text('B')], rows).split('\n');
    expect(lines.map((line) => widthOf(line.slice(0, line.indexOf('x'))))).toEqual([8, 8, 8]);
  });

  it('tells each row a field a line where there are too many columns', () => {
    const columns = Array.from({ length: 12 }, (_, n) => figure(`FIGURE${n}`));
    const rows = [1, 2].map((n) => Object.fromEntries(columns.map(({ title }) => [title, n])));
    const printed = fittedTable(columns, rows);
    expect(widest(printed)).toBeLessThanOrEqual(80);
    expect(printed.split('\n')).toHaveLength(25);
    expect(printed).toMatch(/^FIGURE0 {3}1\n/);
  });

  it('fits 80 columns whatever the data', () => {
    const anything = oneof(
      string({ maxLength: 300, unit: anyCharacter }),
      string({ maxLength: 300, unit: 'grapheme' }),
      constantFrom('日本語'.repeat(60), `${'a'.repeat(240)}@example.com`, '\u001b[31mred\r\n\u202e'),
    );
    const columns = [id('A'), text('B'), text('C'), figure('N'), id('D')];
    const row = record({ A: anything, B: anything, C: anything, N: integer(), D: anything });
    assert(
      property(array(row, { minLength: 1, maxLength: 4 }), (rows) => {
        const printed = fittedTable(columns, rows);
        expect(widest(printed)).toBeLessThanOrEqual(80);
        expect(printed).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a day', () => {
  it('is that of a time, UTC', () => {
    expect([day('2026-02-03T12:30:45.000Z'), day(null), day(undefined)]).toEqual(['2026-02-03', '-', '-']);
  });
});
