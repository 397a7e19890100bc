import { describe, expect, it } from 'vitest';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { type ShareSnapshots, snapshotsIn } from '../../src/upstream/snapshot-store.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';
import { snapshotStoreContract } from './snapshot-store.ts';

const news = [
  { keyHash: 'a', snapshot: { team: '', atMs: 1_000, blockedUntilMs: 0, requests: null, tokens: null } },
] as const;

const keys = keysUnder('t:');

describe.each(engines)('the store of snapshots ($name)', (engine) => {
  const on = useEngine(engine);
  snapshotStoreContract(async () => snapshotsIn(await on.empty(), keys));
});

describe.each(servers)('the store of snapshots on a server ($name)', (engine) => {
  const on = useServer(engine);
  const shareOn = (): ShareSnapshots => snapshotsIn(on.redis, keys);

  it('has nothing that stays for ever', async () => {
    await on.redis.client.flushall();
    await shareOn()(['a'], news);
    expect(await on.redis.client.keys('*')).toEqual([keys.reading('a')]);
    expect(await on.redis.client.pttl(keys.reading('a'))).toBeGreaterThan(3_500_000);
  });

  it('rejects with StoreUnavailable where the store is full: less is known then', async () => {
    await on.redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(shareOn()(['a'], news)).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      await on.redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
