import { describe, expect, it } from 'vitest';
import { LoggedHeads } from '../../../src/audit/chain-check.ts';

function headsIn(...lines: string[]): [number, string][] {
  const heads = new LoggedHeads();
  for (const line of lines) heads.read(line);
  return [...heads.heads];
}

const line = (sequence: number, hash: string): string =>
  JSON.stringify({ level: 'info', time: 1, pid: 1, sequence, hash, msg: 'audit head' });

describe('the heads in a log', () => {
  it('are found among its other lines, with what a drain puts before and behind them', () => {
    const drained = `2026-01-31T12:00:00.123456+00:00 app[web.1]: ${line(2, 'bb')}`;
    const syslog = `<190>1 2026-01-31T12:00:00+00:00 host app web.1 - - ${line(3, 'cc')}\r`;
    expect(headsIn('State changed from starting to up', line(1, 'aa'), drained, '', syslog)).toEqual([
      [1, 'aa'],
      [2, 'bb'],
      [3, 'cc'],
    ]);
  });

  it('said twice are one', () => {
    expect(headsIn(line(1, 'aa'), line(1, 'aa'))).toEqual([[1, 'aa']]);
  });

  it('that contradict each other are no hash at all', () => {
    expect(headsIn(line(1, 'aa'), line(1, 'bb'))).toEqual([[1, 'contradictory']]);
    expect(headsIn(line(1, 'aa'), line(1, 'bb'), line(1, 'aa'))).toEqual([[1, 'contradictory']]);
  });

  it.each([
    '{"msg":"audit head"',
    'audit head',
    '"audit head"',
    '{"msg":"audit head"}',
    '{"msg":"audit head","sequence":"1","hash":"aa"}',
    '{"msg":"audit head","sequence":1.5,"hash":"aa"}',
    '{"msg":"request","path":"\\"audit head\\"","sequence":1,"hash":"aa"}',
    '["audit head"]',
  ])('are not read out of %s', (text) => {
    expect(headsIn(text)).toEqual([]);
  });
});
