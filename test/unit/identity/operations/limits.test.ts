import { describe, expect, it } from 'vitest';
import { changedLimits, withoutLimitIds, storedLimits } from '../../../../src/identity/operations/limits.ts';
import type { Limit, StoredLimit } from '../../../../src/base/limit.ts';

function ids(): () => string {
  let next = 0;
  return () => `new-${(next += 1)}`;
}

const before: StoredLimit[] = [
  { id: 'a', metric: 'tokens', window: 'day', max: 10 },
  { id: 'b', metric: 'tokens', window: 'day', max: 10, models: ['m', 'n'] },
  { id: 'c', metric: 'concurrency', max: 1 },
];

describe('storedLimits', () => {
  it.each<[string, Limit, string]>([
    ['another max', { metric: 'tokens', window: 'day', max: 99 }, 'a'],
    [
      'the same models in another order',
      { metric: 'tokens', window: 'day', max: 1, models: ['n', 'm'] },
      'b',
    ],
    ['concurrency', { metric: 'concurrency', max: 0 }, 'c'],
    ['another window', { metric: 'tokens', window: 'hour', max: 10 }, 'new-1'],
    ['another metric', { metric: 'requests', window: 'day', max: 10 }, 'new-1'],
    ['fewer models', { metric: 'tokens', window: 'day', max: 10, models: ['m'] }, 'new-1'],
    ['concurrency for some models', { metric: 'concurrency', max: 1, models: ['m'] }, 'new-1'],
  ])('gives the id for %s', (_, limit, id) => {
    expect(storedLimits([limit], before, ids())).toEqual([{ ...limit, id }]);
  });

  it('gives new limits ids of their own, in the order asked for', () => {
    const asked: Limit[] = [
      { metric: 'images', window: 'month', max: 1 },
      { metric: 'concurrency', max: 5 },
      { metric: 'images', window: 'day', max: 1 },
    ];
    expect(storedLimits(asked, before, ids()).map(({ id }) => id)).toEqual(['new-1', 'c', 'new-2']);
  });
});

describe('changedLimits', () => {
  it('keeps them where nothing is said, and clears them for null', () => {
    expect(changedLimits(undefined, before, ids())).toEqual(before);
    expect(changedLimits(null, before, ids())).toEqual([]);
    expect(changedLimits([], before, ids())).toEqual([]);
  });
});

describe('withoutLimitIds', () => {
  it('leaves the ids out and the rest in', () => {
    expect(withoutLimitIds({ name: 'x', limits: before })).toEqual({
      name: 'x',
      limits: [
        { metric: 'tokens', window: 'day', max: 10 },
        { metric: 'tokens', window: 'day', max: 10, models: ['m', 'n'] },
        { metric: 'concurrency', max: 1 },
      ],
    });
  });
});
