import { array, assert, property, record, string, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRows } from '../../../src/cli/csv-rows.ts';
import { csvLine } from '../../../src/reports/report.ts';

const columns = { known: ['user', 'name', 'email'], required: ['user'] };

describe('rows of CSV', () => {
  it('are read by the names of the columns, with the line each begins on', () => {
    const text = 'User, name \r\nana,"Ana, ""A"""\n\n  \nbob,"two\nlines"\rcarl,';
    expect(csvRows(text, columns)).toEqual({
      problems: [],
      rows: [
        { line: 2, fields: { user: 'ana', name: 'Ana, "A"' } },
        { line: 5, fields: { user: 'bob', name: 'two\nlines' } },
        { line: 7, fields: { user: 'carl', name: '' } },
      ],
    });
  });

  it('tell every problem with its line', () => {
    const { problems } = csvRows('name,phone,name\nana\n1,2,3\nx,y,z,', columns);
    expect(problems.map(({ line, message }) => [line, message.split(';')[0]])).toEqual([
      [1, 'there is no column "phone"'],
      [1, 'the column name is there twice'],
      [1, 'the column user is missing'],
      [2, 'has 1 fields, and not 3 as the first line'],
      [4, 'has 4 fields, and not 3 as the first line'],
    ]);
    expect(csvRows('', columns).problems).toMatchObject([{ line: 1 }]);
    expect(csvRows('user\n"ana\n', columns)).toMatchObject({ rows: [], problems: [{ line: 2 }] });
    expect(csvRows('user\nan"a\n', columns)).toMatchObject({ rows: [], problems: [{ line: 2 }] });
  });

  it('are what was written, whatever the texts', () => {
    const cell = string({ unit: 'grapheme' })
      .map((text) => text.trim())
      // A spreadsheet might run others: they get a mark in front when they are written.

      .filter(
        (text) => !text.startsWith('\0') && !/^[\s\p{Z}\p{Cc}\p{Cf}]*[=+\-@＝＋－＠﹦﹢﹣﹫]/u.test(text),
      );
    const rows = array(record({ user: stringMatching(/^[a-z]{1,5}$/), name: cell }));
    assert(
      property(rows, (list) => {
        const text = csvLine(['user', 'name']) + list.map(({ user, name }) => csvLine([user, name])).join('');
        expect(csvRows(text, columns).rows.map(({ fields }) => fields)).toEqual(list);
      }),
    );
  });
});
