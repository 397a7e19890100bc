import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationMs, exhaustedForMs, resetMs, snapshotIn } from '../../../src/upstream/rate-limit-headers.ts';

const nowMs = 5_000;
const wall = { now: () => Date.UTC(2026, 0, 1, 12) };

describe('a reset', () => {
  it.each([
    ['6m0s', 360_000],
    ['1s', 1_000],
    ['20ms', 20],
    ['1h2m3s', 3_723_000],
    ['1m0.5s', 60_500],
    ['12', 12_000],
    ['0.25', 250],
    ['0', 0],
    ['1d', 86_400_000],
  ])('%s is %i ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each([
    '',
    's',
    '-1',
    '1 s',
    '6m0s ',
    'soon',
    '1s!',
    '2d',
    '1e9',
    '9'.repeat(50),
    undefined,
    ['1s', '1s'],
  ])('%j is none', (text) => {
    expect(durationMs(text)).toBeNull();
  });

  it('is a bounded whole number or none, whatever the text', () => {
    const texts = fc.oneof(fc.string(), fc.stringMatching(/^[0-9.dhms]{0,50}$/));
    fc.assert(
      fc.property(texts, (text) => {
        const ms = durationMs(text);
        expect(ms === null || (Number.isInteger(ms) && ms >= 0 && ms <= 86_400_000)).toBe(true);
      }),
    );
  });
});

describe('a reading', () => {
  it('has both limits', () => {
    const headers = {
      'x-ratelimit-limit-requests': '150',
      'x-ratelimit-remaining-requests': '149',
      'x-ratelimit-reset-requests': '51s',
      'x-ratelimit-limit-tokens': '800000',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '20ms',
    };
    const reading = snapshotIn(headers, nowMs, wall);
    expect(reading).toEqual({
      atMs: nowMs,
      blockedUntilMs: 0,
      requests: { remaining: 149, limit: 150, resetAtMs: 56_000 },
      tokens: { remaining: 0, limit: 800_000, resetAtMs: 5_020 },
    });
    expect(exhaustedForMs(reading, nowMs)).toBe(20);
  });

  it('may have one, and need not say how much there is or when it is whole again', () => {
    const reading = snapshotIn({ 'x-ratelimit-remaining-requests': '3' }, nowMs, wall);
    expect(reading).toMatchObject({
      requests: { remaining: 3, limit: Infinity, resetAtMs: 6_000 },
      tokens: null,
    });
    expect(exhaustedForMs(reading, nowMs)).toBeNull();
  });

  it.each([
    ['RFC 3339', '2026-01-01T12:00:30Z'],
    ['an HTTP date', 'Thu, 01 Jan 2026 12:00:30 GMT'],
    ['seconds since the epoch', '1767268830'],
    ['ms since the epoch', '1767268830000'],
  ])('may say the moment of a reset, as %s', (_, reset) => {
    const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': reset };
    expect(exhaustedForMs(snapshotIn(headers, nowMs, wall), nowMs)).toBe(30_000);
  });

  it.each([{}, { 'x-ratelimit-remaining-requests': '-1' }, { 'x-ratelimit-remaining-requests': 'many' }])(
    'of %j is none',
    (headers) => {
      expect(snapshotIn(headers, nowMs, wall)).toBeNull();
    },
  );
});

describe('the moment of a reset', () => {
  const wallMs = Date.UTC(2026, 9, 21, 7, 28, 0);

  it.each([
    [{}, null],
    [{ 'x-ratelimit-reset': '30' }, 30_000],
    [{ 'x-ratelimit-reset': String(wallMs / 1_000 + 30) }, 30_000],
    [{ 'x-ratelimit-reset': String(wallMs + 30_000) }, 30_000],
    [{ 'ratelimit-reset': '12' }, 12_000],
    [{ 'anthropic-ratelimit-requests-reset': '2026-10-21T07:28:30Z' }, 30_000],
    [{ 'anthropic-ratelimit-requests-reset': '2026-10-21T07:28:30Z', 'x-ratelimit-reset': '40' }, 40_000],
    [{ 'x-ratelimit-reset': 'later' }, null],
  ])('in %j is in %s ms', (headers, ms) => {
    expect(resetMs(headers, wallMs)).toBe(ms);
  });
});
