import { describe, expect, it } from 'vitest';
import type { ToldSnapshot } from '../../../src/upstream/told-quota.ts';
import { shifted } from '../../../src/upstream/shared-snapshots.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../src/upstream/snapshot-store.ts';

const snapshot: ToldSnapshot = {
  team: 'acme',
  atMs: 1_000,
  blockedUntilMs: 2_000,
  requests: { remaining: -3, limit: Infinity, resetAtMs: 3_000 },
  tokens: { remaining: 0, limit: 800_000, resetAtMs: 4_000 },
};

describe('the text of a snapshot', () => {
  it.each([snapshot, { ...snapshot, requests: null }, { ...snapshot, requests: null, tokens: null }])(
    'comes back as it was: %j',
    (each) => {
      expect(decodeSnapshot(`${each.atMs} ${encodeSnapshot(each)}`)).toEqual(each);
    },
  );

  it.each(['', 'nonsense', '0 0 - - - - - -', '1 2 3'])('%j is none', (text) => {
    expect(decodeSnapshot(text)).toBeNull();
  });
});

it('all times move when the clock does', () => {
  expect(shifted(snapshot, 500)).toEqual({
    team: 'acme',
    atMs: 1_500,
    blockedUntilMs: 2_500,
    requests: { remaining: -3, limit: Infinity, resetAtMs: 3_500 },
    tokens: { remaining: 0, limit: 800_000, resetAtMs: 4_500 },
  });
});
