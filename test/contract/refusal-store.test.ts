import { describe, expect, it } from 'vitest';
import { dayOf } from '../../src/base/days.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import type { RefusalBatch } from '../../src/ledger/refusal-count.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import { RefusalStore } from '../../src/ledger/refusal-store.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';
import { refusalStoreContract } from './refusal-store.ts';

const today = dayOf(Date.now());
const one: RefusalBatch = {
  process: 'p1',
  sequence: 1,
  counts: [
    {
      day: today,
      as: {
        team: 'acme',
        user: 'ana',
        token: 'tok_1',
        endpoint: '/v1/models',
        code: 'origin_not_allowed',
        model: null,
        limit: null,
      },
      refused: 1,
      lastMs: Date.now(),
    },
  ],
};

const keys = keysUnder('t:');

describe.each(engines)('the store of refusals ($name)', (engine) => {
  const on = useEngine(engine);
  refusalStoreContract(async () => {
    const store = await on.empty();
    return {
      store: new RefusalStore(store, keys, { retentionDays: 92 }),
      ledger: new LedgerReader(store, keys),
    };
  });
});

describe.each(servers)('the store of refusals on a server ($name)', (engine) => {
  const on = useServer(engine);
  const storeOn = (): RefusalStore => new RefusalStore(on.redis, keys, { retentionDays: 92 });

  it('has nothing that stays for ever: a day goes when the totals of that day go', async () => {
    await on.redis.client.flushall();
    await storeOn().add(one);
    const names = await on.redis.client.keys('*');
    expect(names.sort()).toEqual([keys.refusals(today), keys.refusalsTaken('p1')].sort());
    const expiresAtS = await on.redis.client.expiretime(keys.refusals(today));
    expect(expiresAtS).toBe(Date.parse(today) / 1000 + 93 * 86_400);
    expect(await on.redis.client.ttl(keys.refusalsTaken('p1'))).toBeGreaterThan(0);
  });

  it('waits until a store that is full has room', async () => {
    await on.redis.client.flushall();
    await on.redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(on.redis.client.set('more', '1')).rejects.toThrow(/^OOM/);
      await expect(storeOn().add(one)).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      await on.redis.client.config('SET', 'maxmemory', '0');
    }
    await storeOn().add(one);
    const query = { from: today, to: today, filters: {}, groupBy: [] };
    expect(await new LedgerReader(on.redis, keys).refusals(query)).toMatchObject([{ refused: 1 }]);
  });

  it('rejects with StoreUnavailable where Redis is away', async () => {
    const gone = new RedisStore({ url: 'redis://127.0.0.1:1', verifyTls: false, commandTimeoutMs: 100 });
    const store = new RefusalStore(gone, keys, { retentionDays: 92 });
    try {
      await expect(store.add(one)).rejects.toBeInstanceOf(StoreUnavailable);
      const query = { from: today, to: today, filters: {}, groupBy: [] };
      await expect(new LedgerReader(gone, keys).refusals(query)).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      gone.close();
    }
  });
});
