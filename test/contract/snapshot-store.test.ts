import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { MemorySnapshotStore } from '../../src/upstream/memory-snapshot-store.ts';
import { RedisSnapshotStore } from '../../src/upstream/snapshot-store.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { readingStoreContract } from './snapshot-store.ts';

const news = [
  { keyHash: 'a', reading: { atMs: 1_000, blockedUntilMs: 0, requests: null, tokens: null } },
] as const;

describe('the memory store of readings', () => {
  readingStoreContract(() => Promise.resolve(new MemorySnapshotStore()));
});

describe('the Redis store of readings', () => {
  let server: RedisServer;
  let redis: RedisStore;
  const keys = keysUnder('t:');
  const storeOn = (): RedisSnapshotStore => new RedisSnapshotStore(redis, keys);

  beforeAll(async () => {
    server = await startRedis();
    redis = new RedisStore({ url: server.url, verifyTls: false, commandTimeoutMs: 5_000 });
    await redis.connected();
  });
  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  readingStoreContract(async () => {
    await redis.client.flushall();
    return storeOn();
  });

  it('has nothing that stays for ever', async () => {
    await redis.client.flushall();
    await storeOn().share(['a'], news);
    expect(await redis.client.keys('*')).toEqual([keys.reading('a')]);
    expect(await redis.client.pttl(keys.reading('a'))).toBeGreaterThan(3_500_000);
  });

  it('rejects with StoreUnavailable where the store is full: less is known then', async () => {
    await redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(storeOn().share(['a'], news)).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
