import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../../src/base/retry-after.ts';

const wallMs = Date.UTC(2026, 9, 21, 7, 28, 0);

describe('Retry-After', () => {
  it.each([
    ['7', 7_000],
    [' 7 ', 7_000],
    ['0', 0],
    ['1.5', 1_500],
    ['', null],
    ['-5', null],
    ['Infinity', null],
    ['soon', null],
    [undefined, null],
    // The three formats of RFC 9110.
    ['Wed, 21 Oct 2026 07:38:00 GMT', 600_000],
    ['Wednesday, 21-Oct-26 07:38:00 GMT', 600_000],
    ['Wed Oct 21 07:38:00 2026', 600_000],
    ['Sun Nov  1 07:28:00 2026', 11 * 86_400_000],
    // Past, or a century ago.
    ['Sat, 01 Jan 2000 00:00:00 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Wed, 21 Foo 2026 07:38:00 GMT', null],
    ['2026-10-21T07:38:00Z', 600_000],
  ])('%j is %s ms', (value, ms) => {
    expect(retryAfterMs(value === undefined ? {} : { 'retry-after': value }, wallMs)).toBe(ms);
  });

  it("counts by the upstream's own clock, if it says what that is", () => {
    const headers = { date: 'Wed, 21 Oct 2026 09:00:00 GMT', 'retry-after': 'Wed, 21 Oct 2026 09:10:00 GMT' };
    expect(retryAfterMs(headers, wallMs)).toBe(600_000);
    expect(retryAfterMs(headers, null)).toBe(600_000);
    expect(retryAfterMs({ ...headers, date: 'today' }, wallMs)).toBe(102 * 60_000);
    expect(retryAfterMs({ 'retry-after': headers['retry-after'] }, null)).toBeNull();
  });

  it('in ms is the more exact one', () => {
    expect(retryAfterMs({ 'retry-after-ms': '250', 'retry-after': '1' }, wallMs)).toBe(250);
    expect(retryAfterMs({ 'retry-after-ms': 'soon', 'retry-after': '1' }, wallMs)).toBe(1_000);
  });

  it('that was sent twice is the first one', () => {
    // What undici gives, whatever the type says.
    const twice = { 'retry-after': ['3', '4'] } as unknown as Record<string, string>;
    expect(retryAfterMs(twice, wallMs)).toBe(3_000);
  });
});
