import { beforeEach, describe, expect, it } from 'vitest';
import type { ModelPrice } from '../../src/identity/records/model-price.ts';
import { pricesEpoch } from '../../src/identity/records/model-price.ts';
import { PriceStore } from '../../src/identity/store/price-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';

const keys = keysUnder('t:');

function textOf(id: string, usd: number): string {
  const record: ModelPrice = { id, prices: [{ from: '2026-01-01T00:00:00.000Z', usd_per_image: usd }] };
  return JSON.stringify(record);
}

describe.each(engines)('the store of prices ($name)', (engine) => {
  const on = useEngine(engine);
  let kept: Store;
  let store: PriceStore;

  beforeEach(async () => {
    kept = await on.empty();
    store = new PriceStore(kept, keys);
  });

  const epoch = (): Promise<string | null> => kept.attempt((client) => client.hget(keys.epochs, pricesEpoch));

  it('has what was set, by model, until it is taken back', async () => {
    expect(await store.all()).toEqual([]);
    expect(await store.read('b')).toBeNull();
    expect(await store.replace('b', null, textOf('b', 1))).toBe('replaced');
    expect(await store.replace('a/x', null, textOf('a/x', 2))).toBe('replaced');
    expect((await store.all()).map(({ id }) => id)).toEqual(['a/x', 'b']);
    expect(await store.replace('b', textOf('b', 1), null)).toBe('replaced');
    expect(await store.read('b')).toBeNull();
    expect((await store.all()).map(({ id }) => id)).toEqual(['a/x']);
  });

  it('leaves out what somebody has altered so that it cannot be read', async () => {
    for (const text of ['{', 'null', '{"id":"b","prices":[{}]}']) {
      await store.replace('b', await store.read('b'), text);
      expect(await store.all()).toEqual([]);
    }
  });

  it('changes only what is as it was found', async () => {
    await store.replace('b', null, textOf('b', 1));
    const before = await epoch();
    expect(await store.replace('b', null, textOf('b', 2))).toBe('conflict');
    expect(await store.replace('b', textOf('b', 3), textOf('b', 2))).toBe('conflict');
    expect(await store.replace('b', textOf('b', 3), null)).toBe('conflict');
    expect(await store.read('b')).toBe(textOf('b', 1));
    expect(await epoch()).toBe(before);
  });

  it('moves the epoch with every change', async () => {
    const seen = [await epoch()];
    await store.replace('b', null, textOf('b', 1));
    seen.push(await epoch());
    await store.replace('b', textOf('b', 1), textOf('b', 2));
    seen.push(await epoch());
    await store.replace('b', textOf('b', 2), null);
    seen.push(await epoch());
    expect(new Set(seen).size).toBe(4);
  });
});

describe.each(servers)('the store of prices on a server ($name)', (engine) => {
  const on = useServer(engine);

  it('when full still takes prices back, but sets none', async () => {
    const store = new PriceStore(await on.empty(), keys);
    await store.replace('b', null, textOf('b', 1));
    await on.server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      await expect(store.replace('c', null, textOf('c', 1))).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await store.replace('b', textOf('b', 1), null)).toBe('replaced');
    } finally {
      await on.server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });
});
