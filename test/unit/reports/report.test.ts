import { describe, expect, it } from 'vitest';
import { csvLine } from '../../../src/reports/report.ts';

describe('csvLine', () => {
  it('ends every line with CRLF, and quotes what needs it', () => {
    expect(csvLine(['a', 'b,c', 'd"e', 'f\ng', 'h\ri', ' j '])).toBe('a,"b,c","d""e","f\ng","h\ri", j \r\n');
  });

  it('leaves null empty, and numbers and truth values as they are', () => {
    expect(csvLine([null, 0, -1, 1.5, 2 ** 53 - 1, true, false, ''])).toBe(
      ',0,-1,1.5,9007199254740991,true,false,\r\n',
    );
  });

  it.each([
    ['=1+1', "'=1+1"],
    ['=HYPERLINK("http://x.example","y")', `"'=HYPERLINK(""http://x.example"",""y"")"`],
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', `"'\r=1"`],
    ['\u0000=1', "'\u0000=1"],
    ['","=1', `""",""=1"`],
    [' =1', "' =1"],
    ['  \t\u00a0+1', "'  \t\u00a0+1"],
    ['\u200b@SUM(A1)', "'\u200b@SUM(A1)"],
    ['\n=1', `"'\n=1"`],
    ['\u0001=1', "'\u0001=1"],
    ['＝1+1', "'＝1+1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠SUM(A1)', "'＠SUM(A1)"],
    ['\u3000＝1', "'\u3000＝1"],
    ['﹦1', "'﹦1"],
    [' a=1', ' a=1'],
    ['a=1', 'a=1'],
    ["'=1", "'=1"],
  ])('keeps a spreadsheet from running %j', (text, field) => {
    expect(csvLine([text])).toBe(`${field}\r\n`);
  });
});
