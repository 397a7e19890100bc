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
    const pastedTogether = `Jan 31 12:00:00 gateway app/web.1: ${line(4, 'dd')}`;
    const syslog = `<190>1 2026-01-31T12:00:00+00:00 host app web.1 - - ${line(3, 'cc')}\r`;
    expect(
      headsIn('State changed from starting to up', line(1, 'aa'), drained, '', syslog, pastedTogether),
    ).toEqual([
      [1, 'aa'],
      [2, 'bb'],
      [3, 'cc'],
      [4, 'dd'],
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
    // What a client wrote into a path or X-Forwarded-For.
    `2026-01-31T12:00:00+00:00 heroku[router]: at=info method=GET path="/" fwd="${line(1, 'aa')}" dyno=web.1 protocol=https`,
    `2026-01-31T12:00:00+00:00 heroku[router]: at=info fwd="" ${line(1, 'aa')}`,
    `<158>1 2026-01-31T12:00:00+00:00 host heroku router - at=info path=/${line(1, 'aa')}`,
    `2026-01-31T12:00:00+00:00 app[web.1]: Error in ${line(1, 'aa')}`,
    `2026-01-31T12:00:00+00:00 app[web.1]: Error: ${line(1, 'aa')}`,
    `2026-01-31T12:00:00+00:00 app[web.1]: ${line(1, 'aa')} and more`,
    `a visitor said ${line(1, 'aa')}`,
    JSON.stringify({ level: 'info', time: 1, pid: 1, path: line(1, 'aa'), msg: 'request' }),
  ])('are not read out of %s', (text) => {
    expect(headsIn(text)).toEqual([]);
  });
});
