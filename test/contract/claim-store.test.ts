import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryClaimStore } from '../../src/claims/memory-claim-store.ts';
import { RedisClaimStore } from '../../src/claims/claim-store.ts';
import type { ClaimStore, SealedClaim } from '../../src/claims/claim.ts';
import { systemClock } from '../../src/base/clock.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

const minuteMs = 60_000;

function sealedFor(livesMs: number): SealedClaim {
  return { sealed: 'sealed text', livesMs, team: 'acme', tokenId: 'tok_1' };
}

/** What every claim store does. `make` gives an empty one. */
function claimStoreContract(make: () => Promise<ClaimStore>): void {
  let store: ClaimStore;

  beforeEach(async () => {
    store = await make();
  });

  it('gives what is sealed once, and says from then on when that was', async () => {
    const expiresAtMs = await store.put('a', sealedFor(minuteMs));
    expect(Math.abs(expiresAtMs - Date.now() - minuteMs)).toBeLessThan(5_000);
    expect(await store.look('a')).toEqual({ kind: 'waiting', expiresAtMs });
    expect(await store.look('a')).toEqual({ kind: 'waiting', expiresAtMs });
    expect(await store.open('a')).toEqual({ kind: 'sealed', sealed: 'sealed text' });
    const opened = { kind: 'opened', atMs: expect.any(Number) as number };
    expect(await store.open('a')).toEqual(opened);
    expect(await store.look('a')).toEqual(opened);
  });

  it('gives it to one of many at once', async () => {
    await store.put('a', sealedFor(minuteMs));
    const found = await Promise.all(Array.from({ length: 20 }, () => store.open('a')));
    expect(found.filter(({ kind }) => kind === 'sealed')).toHaveLength(1);
    expect(found.filter(({ kind }) => kind === 'opened')).toHaveLength(19);
  });

  it('knows nothing of a code that never was, or whose time is up', async () => {
    expect(await store.look('b')).toEqual({ kind: 'none' });
    expect(await store.open('b')).toEqual({ kind: 'none' });
    await store.put('a', sealedFor(30));
    await sleep(50);
    expect(await store.look('a')).toEqual({ kind: 'none' });
    expect(await store.open('a')).toEqual({ kind: 'none' });
  });
}

describe('the memory claim store', () => {
  claimStoreContract(() => Promise.resolve(new MemoryClaimStore(systemClock)));
});

describe('the Redis claim store', () => {
  const keys = keysUnder('t:');
  let server: RedisServer;
  let redis: RedisStore;

  beforeAll(async () => {
    server = await startRedis();
    redis = new RedisStore({ url: server.url, verifyTls: false, commandTimeoutMs: 5_000 });
    await redis.connected();
  });

  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  async function empty(): Promise<RedisClaimStore> {
    await server.flush();
    return new RedisClaimStore(redis, keys);
  }

  claimStoreContract(empty);

  it('keeps nothing that does not expire, and nothing that is sealed once it was opened', async () => {
    const store = await empty();
    await store.put('a', sealedFor(minuteMs));
    expect(await redis.client.pttl(keys.claim('a'))).toBeGreaterThan(0);
    await store.open('a');
    expect(await redis.client.get(keys.claim('a'))).toMatch(/^opened \d+$/);
    expect(await redis.client.pttl(keys.claim('a'))).toBeGreaterThan(minuteMs);
  });

  it('in a full store keeps nothing new, and opens what is there', async () => {
    const store = await empty();
    await store.put('a', sealedFor(minuteMs));
    await redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(store.put('b', sealedFor(minuteMs))).rejects.toThrow(StoreUnavailable);
      expect(await store.open('a')).toEqual({ kind: 'sealed', sealed: 'sealed text' });
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
