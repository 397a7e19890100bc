import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Teller } from '../../../src/events/teller.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';

const event = { type: 'signin.provisioned', team: 'acme', data: { user: 'ana' } } as const;

it('tells at most so many things at once, and drops what is beyond', async () => {
  const ends: (() => void)[] = [];
  const tell = (): Promise<boolean> => new Promise((resolve) => ends.push(() => resolve(true)));
  const teller = new Teller({ once: tell, change: tell }, { error: () => undefined });
  for (let n = 0; n < 100; n += 1) teller.once(event, 'mark', 1);
  expect(ends).toHaveLength(16);
  ends[0]?.();
  await turn();
  for (let n = 0; n < 100; n += 1) teller.change(event, { of: 'A', from: '', to: 'down' });
  expect(ends).toHaveLength(17);
});

it('lets nothing fail: a store that is away is not even logged', async () => {
  const errors: unknown[] = [];
  let fails: Error = new StoreUnavailable('away');
  const tell = (): Promise<boolean> => Promise.reject(fails);
  const teller = new Teller({ once: tell, change: tell }, { error: (message) => errors.push(message) });
  for (let n = 0; n < 100; n += 1) {
    teller.once(event, 'mark', 1);
    await turn();
  }
  expect(errors).toEqual([]);
  fails = new TypeError('a mistake');
  teller.once(event, 'mark', 1);
  await turn();
  expect(errors).toEqual(['an event could not be told']);
});
