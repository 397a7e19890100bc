import { describe, expect, it } from 'vitest';
import { errorTable, Refusal } from '../../../src/base/refusal.ts';
import { mintToken } from '../../../src/identity/records/token-text.ts';
import { leakVerdicts, readFinds, reportedUrl, verdictOn } from '../../../src/leaks/leak-report.ts';

function problemOf(body: string): string {
  const read = readFinds(Buffer.from(body, 'latin1'));
  if (!(read instanceof Refusal)) return 'fine';
  expect(errorTable[read.code].status).toBe(400);
  return `${read.code} ${read.details.param ?? ''}`.trim();
}

describe('a leak report', () => {
  it('is a list, as GitHub sends it, or one find; fields that are not known are ignored', () => {
    const find = { token: 'x', type: 'tollgate_token', url: '', source: 'commit' };
    expect(readFinds(Buffer.from(JSON.stringify([find, { ...find, more: [1] }])))).toMatchObject([
      find,
      find,
    ]);
    expect(readFinds(Buffer.from('{"token":"x"}'))).toEqual([{ token: 'x' }]);
    expect(readFinds(Buffer.from('{"token":"x","url":null,"type":null}'))).toMatchObject([{ token: 'x' }]);
    expect(readFinds(Buffer.from('[]'))).toEqual([]);
  });

  it.each([
    ['', 'invalid_json'],
    ['{', 'invalid_json'],
    ['{"token":"\xff"}', 'invalid_json'],
    ['"tgk_1"', 'invalid_body'],
    ['null', 'invalid_body'],
    ['{}', 'invalid_body token'],
    ['[{"token":"x"},{"token":5}]', 'invalid_body 1.token'],
    ['[[]]', 'invalid_body 0'],
    [JSON.stringify(Array.from({ length: 501 }, () => ({ token: 'x' }))), 'invalid_body'],
  ])('is refused with a name for what is wrong: %.40s', (body, problem) => {
    expect(problemOf(body)).toBe(problem);
  });

  it('is answered with hashes, never with the text', () => {
    const { text } = mintToken('user');
    const verdicts = [
      verdictOn({ token: text, type: 'tollgate_token' }, 'true_positive'),
      verdictOn({ token: 'abc', type: null }, 'false_positive'),
    ];
    expect(leakVerdicts.parse(verdicts)).toEqual(verdicts);
    expect(JSON.stringify(verdicts)).not.toContain(text);
    expect(verdicts[1]).toEqual({
      token_hash: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      label: 'false_positive',
    });
  });
});

describe('the address of a find', () => {
  const { text } = mintToken('user');

  it.each([
    ['https://github.com/o/r/blob/12ab/a.txt#L3', 'https://github.com/o/r/blob/12ab/a.txt'],
    ['https://ana:secret@example.com:8443/x?token=y', 'https://example.com:8443/x'],
    ['http://example.com/a\u202eb\n<script>', 'http://example.com/a%E2%80%AEb%3Cscript%3E'],
    ['', null],
    [null, null],
    [undefined, null],
    ['/etc/passwd', null],
    ['javascript:alert(1)', null],
    ['data:text/html,x', null],
  ])('is kept only as far as it names a page: %s', (given, kept) => {
    expect(reportedUrl(given)).toBe(kept);
  });

  it('is short, and has no credential in it', () => {
    expect(reportedUrl(`https://example.com/${'a'.repeat(5_000)}`)).toHaveLength(300);
    const hidden = [text, text.replace('tgk_', 'tgk%5F'), text.replace('_', '%5f')];
    for (const each of hidden)
      expect(reportedUrl(`https://example.com/${each}`)).not.toContain(text.slice(12));
  });
});
