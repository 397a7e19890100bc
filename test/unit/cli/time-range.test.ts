import { describe, expect, it } from 'vitest';
import { momentOf, parseAgo, parseMoment } from '../../../src/cli/time-range.ts';

const wednesday = Date.UTC(2026, 1, 4, 12, 30);

describe('a moment on the command line', () => {
  it.each([
    ['today', '2026-02-04'],
    ['yesterday', '2026-02-03'],
    ['month', '2026-02-01'],
    ['monday', '2026-02-02'],
    ['wednesday', '2026-02-04'],
    ['thursday', '2026-01-29'],
    ['1d', '2026-02-04'],
    ['7d', '2026-01-29'],
    ['4w', '2026-01-08'],
    ['12h', '2026-02-04T00:30:00.000Z'],
  ])('%s is %s, in UTC', (word, expected) => {
    expect(momentOf(word, wednesday)).toBe(expected);
  });

  it('is the first day of a month on that day, and a week long at most before its own day', () => {
    expect(momentOf('month', Date.UTC(2026, 2, 1))).toBe('2026-03-01');
    expect(momentOf('monday', Date.UTC(2026, 1, 8, 23, 59))).toBe('2026-02-02');
  });

  it('is as it is if the API reads it', () => {
    for (const text of ['2026-01-31', '2026-01-31T12:00:00Z']) expect(parseMoment(text)).toBe(text);
  });

  it.each(['', 'soon', '0d', '7', 'd', '-1d', '7m', '31.1.2026', '12345d'])('is not %j', (text) => {
    expect(() => parseMoment(text)).toThrow(/Write today/);
  });

  it('is so long ago, to the second', () => {
    const agoMs = Date.now() - Date.parse(parseAgo('90d'));
    expect(Math.abs(agoMs - 90 * 86_400_000)).toBeLessThan(60_000);
    expect(parseAgo('2026-01-31')).toBe('2026-01-31');
    expect(() => parseAgo('long')).toThrow();
  });
});
