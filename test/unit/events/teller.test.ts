import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Teller } from '../../../src/events/teller.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';

it('tells at most so many things at once, and drops what is beyond', async () => {
  const teller = new Teller({ error: () => undefined });
  const ends: (() => void)[] = [];
  const tell = (): Promise<boolean> => new Promise((resolve) => ends.push(() => resolve(true)));
  for (let n = 0; n < 100; n += 1) teller.begin(tell);
  expect(ends).toHaveLength(16);
  ends[0]?.();
  await turn();
  for (let n = 0; n < 100; n += 1) teller.begin(tell);
  expect(ends).toHaveLength(17);
});

it('lets nothing fail: a store that is away is not even logged', async () => {
  const errors: unknown[] = [];
  const teller = new Teller({ error: (message) => errors.push(message) });
  for (let n = 0; n < 100; n += 1) {
    teller.begin(() => Promise.reject(new StoreUnavailable('away')));
    await turn();
  }
  expect(errors).toEqual([]);
  teller.begin(() => Promise.reject(new TypeError('a mistake')));
  await turn();
  expect(errors).toEqual(['an event could not be told']);
});
