import { describe, expect, it } from 'vitest';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { SnapshotStore } from '../../src/upstream/snapshot-store.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';
import { readingStoreContract } from './snapshot-store.ts';

const news = [
  { keyHash: 'a', reading: { atMs: 1_000, blockedUntilMs: 0, requests: null, tokens: null } },
] as const;

const keys = keysUnder('t:');

describe.each(engines)('the store of readings ($name)', (engine) => {
  const on = useEngine(engine);
  readingStoreContract(async () => new SnapshotStore(await on.empty(), keys));
});

describe.each(servers)('the store of readings on a server ($name)', (engine) => {
  const on = useServer(engine);
  const storeOn = (): SnapshotStore => new SnapshotStore(on.redis, keys);

  it('has nothing that stays for ever', async () => {
    await on.redis.client.flushall();
    await storeOn().share(['a'], news);
    expect(await on.redis.client.keys('*')).toEqual([keys.reading('a')]);
    expect(await on.redis.client.pttl(keys.reading('a'))).toBeGreaterThan(3_500_000);
  });

  it('rejects with StoreUnavailable where the store is full: less is known then', async () => {
    await on.redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(storeOn().share(['a'], news)).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      await on.redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
