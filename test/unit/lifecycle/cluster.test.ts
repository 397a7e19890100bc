import { expect, it } from 'vitest';
import { backoffMs } from '../../../src/lifecycle/cluster.ts';

it('waits longer after each death, up to 10 s', () => {
  expect([1, 2, 3, 7, 8, 100].map(backoffMs)).toEqual([100, 200, 400, 6_400, 10_000, 10_000]);
});
