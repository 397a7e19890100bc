import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  amount,
  bytes,
  compact,
  count,
  dayBefore,
  fromNow,
  limitName,
  milliseconds,
  percent,
  usd,
} from '../../../console/format.ts';

describe('figures as people read them', () => {
  it.each([
    [0, '$0'],
    [12.5, '$12.50'],
    [1_234.567, '$1,234.57'],
    [0.05, '$0.05'],
    [0.000_123_4, '$0.00012'],
    [0.000_000_001, '$0.000000001'],
  ])('%d dollars are %s', (value, text) => {
    expect(usd(value)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1 kB'],
    [1_234_567, '1.2 MB'],
    [5e15, '5,000 TB'],
  ])('%d bytes are %s', (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  it.each([
    [null, '–'],
    [7, '7 ms'],
    [1_234, '1.23 s'],
    [61_000, '61.0 s'],
  ])('%d milliseconds are %s', (value, text) => {
    expect(milliseconds(value)).toBe(text);
  });

  it('are whole with commas, or short', () => {
    expect(count(1_234_567)).toBe('1,234,567');
    expect(compact(1_234_567)).toBe('1.2M');
    expect(amount('cost_usd', 2)).toBe('$2.00');
    expect(amount('tokens', 2_000)).toBe('2,000');
  });

  it('a share of nothing is none', () => {
    expect(percent(1, 0)).toBe('0 %');
    expect(percent(1, 3)).toBe('33.3 %');
  });

  it('an amount of money is never shown as none, nor off by more than a twentieth', () => {
    const nanoUsd = fc.integer({ min: 1, max: 1_000_000_000_000 });
    fc.assert(
      fc.property(nanoUsd, (nano) => {
        const shown = Number(usd(nano / 1e9).replaceAll(/[$,]/g, ''));
        expect(shown).toBeGreaterThan(0);
        expect(Math.abs(shown - nano / 1e9)).toBeLessThanOrEqual(nano / 1e9 / 20);
      }),
    );
  });
});

describe('times', () => {
  it.each([
    [-30_000, '30 seconds ago'],
    [90 * 60_000, 'in 1 hour'],
    [-50 * 3_600_000, '2 days ago'],
    [400 * 86_400_000, 'next year'],
  ])('%d ms from now is %s', (ms, text) => {
    const nowMs = Date.parse('2026-11-30T12:00:00Z');
    expect(fromNow(nowMs + ms, nowMs)).toBe(text);
  });

  it('days are those of UTC', () => {
    expect(dayBefore(Date.parse('2026-12-01T00:30:00+02:00'), 0)).toBe('2026-11-30');
    expect(dayBefore(Date.parse('2026-03-01T12:00:00Z'), 1)).toBe('2026-02-28');
  });
});

describe('a limit in words', () => {
  it.each([
    [{ metric: 'tokens', window: 'day', max: 100_000 }, '100,000 tokens a day'],
    [{ metric: 'requests', window: 'hour', max: 5 }, '5 requests an hour'],
    [{ metric: 'cost_usd', window: 'month', max: 20 }, '$20.00 a month'],
    [{ metric: 'concurrency', max: 3 }, '3 requests at a time'],
    [{ metric: 'concurrency', max: 1 }, '1 request at a time'],
    [{ metric: 'tokens', window: 'minute', max: 1 }, '1 token a minute'],
    [
      { metric: 'input_tokens', window: 'day', max: 7, models: ['a', 'b'], count_cached: false },
      '7 input tokens a day for a, b without cached input',
    ],
  ])('%o', (limit, text) => {
    expect(limitName(limit)).toBe(text);
  });
});
