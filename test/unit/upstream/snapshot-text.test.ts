import { describe, expect, it } from 'vitest';
import type { RateLimitSnapshot } from '../../../src/upstream/rate-limit-snapshot.ts';
import { decodeReading, encodeReading, shifted } from '../../../src/upstream/snapshot-text.ts';

const reading: RateLimitSnapshot = {
  atMs: 1_000,
  blockedUntilMs: 2_000,
  requests: { remaining: -3, limit: Infinity, resetAtMs: 3_000 },
  tokens: { remaining: 0, limit: 800_000, resetAtMs: 4_000 },
};

describe("a reading's text", () => {
  it.each([reading, { ...reading, requests: null }, { ...reading, requests: null, tokens: null }])(
    'comes back as it was: %j',
    (each) => {
      expect(decodeReading(`${each.atMs} ${encodeReading(each)}`)).toEqual(each);
    },
  );

  it.each(['', 'nonsense', '0 0 - - - - - -', '1 2 3'])('%j is none', (text) => {
    expect(decodeReading(text)).toBeNull();
  });
});

it('all times move when the clock does', () => {
  expect(shifted(reading, 500)).toEqual({
    atMs: 1_500,
    blockedUntilMs: 2_500,
    requests: { remaining: -3, limit: Infinity, resetAtMs: 3_500 },
    tokens: { remaining: 0, limit: 800_000, resetAtMs: 4_500 },
  });
});
