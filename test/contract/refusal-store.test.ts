import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dayOf } from '../../src/base/days.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import type { RefusalBatch } from '../../src/ledger/refusal-count.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { MemoryRefusalStore } from '../../src/ledger/memory-refusal-store.ts';
import { RedisRefusalStore } from '../../src/ledger/refusal-store.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { refusalStoreContract } from './refusal-store.ts';

const today = dayOf(Date.now());
const one: RefusalBatch = {
  process: 'p1',
  sequence: 1,
  counts: [
    {
      day: today,
      as: { team: 'acme', user: 'ana', token: 'tok_1', endpoint: '/v1/models', code: 'origin_not_allowed' },
      refused: 1,
    },
  ],
};

describe('the memory store of refusals', () => {
  refusalStoreContract(() => Promise.resolve(new MemoryRefusalStore({ retentionDays: 400 })));

  it('forgets the oldest days', async () => {
    const store = new MemoryRefusalStore({ retentionDays: 2 });
    for (const [n, day] of ['2026-01-01', '2026-01-02', '2026-01-03'].entries()) {
      const counts = one.counts.map((count) => ({ ...count, day }));
      await store.add({ ...one, sequence: n + 1, counts });
    }
    const query = { from: '2026-01-01', to: '2026-01-03', filters: {}, groupBy: ['day'] as const };
    expect((await store.refusals(query)).map(({ day }) => day)).toEqual(['2026-01-02', '2026-01-03']);
  });
});

describe('the Redis store of refusals', () => {
  let server: RedisServer;
  let redis: RedisStore;
  const keys = keysUnder('t:');
  const storeOn = (): RedisRefusalStore => new RedisRefusalStore(redis, keys, { retentionDays: 92 });

  beforeAll(async () => {
    server = await startRedis();
    redis = new RedisStore({ url: server.url, verifyTls: false, commandTimeoutMs: 5_000 });
    await redis.connected();
  });
  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  refusalStoreContract(async () => {
    await redis.client.flushall();
    return storeOn();
  });

  it('has nothing that stays for ever: a day goes when the totals of that day go', async () => {
    await redis.client.flushall();
    await storeOn().add(one);
    const names = await redis.client.keys('*');
    expect(names.sort()).toEqual([keys.refusals(today), keys.refusalsTaken('p1')].sort());
    const expiresAtS = await redis.client.expiretime(keys.refusals(today));
    expect(expiresAtS).toBe(Date.parse(today) / 1000 + 93 * 86_400);
    expect(await redis.client.ttl(keys.refusalsTaken('p1'))).toBeGreaterThan(0);
  });

  it('counts in a store that is full', async () => {
    await redis.client.flushall();
    await redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(redis.client.set('more', '1')).rejects.toThrow(/^OOM/);
      await storeOn().add(one);
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
    const query = { from: today, to: today, filters: {}, groupBy: [] };
    expect(await storeOn().refusals(query)).toEqual([{ refused: 1 }]);
  });

  it('rejects with StoreUnavailable where Redis is away', async () => {
    const gone = new RedisStore({ url: 'redis://127.0.0.1:1', verifyTls: false, commandTimeoutMs: 100 });
    const store = new RedisRefusalStore(gone, keys, { retentionDays: 92 });
    try {
      await expect(store.add(one)).rejects.toBeInstanceOf(StoreUnavailable);
      const query = { from: today, to: today, filters: {}, groupBy: [] };
      await expect(store.refusals(query)).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      gone.close();
    }
  });
});
