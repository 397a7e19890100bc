import { afterEach, describe, expect, it } from 'vitest';
import { RedisStore } from '../../../src/store/redis.ts';
import { storeCondition, warnOfStoreCondition } from '../../../src/store/store-condition.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';

/* What a real redis-server says of itself, and what a log makes of it. */

const running: { redis: RedisServer; store: RedisStore }[] = [];

afterEach(async () => {
  for (const { redis, store } of running.splice(0)) {
    store.close();
    await redis.stop();
  }
});

async function storeOn(options: Parameters<typeof startRedis>[0] = {}, user = ''): Promise<RedisStore> {
  const redis = await startRedis(options);
  // As where a provider forbids CONFIG.
  await redis.command('ACL', 'SETUSER', 'app', 'on', '>password', '~*', '&*', '+@all', '-config');
  const store = new RedisStore({
    url: user === '' ? redis.url : redis.url.replace('//', `//${user}@`),
    verifyTls: false,
    commandTimeoutMs: 1_000,
  });
  running.push({ redis, store });
  await store.connected();
  return store;
}

async function warnings(store: RedisStore, more?: { isRecorded: boolean }): Promise<string[]> {
  const told: string[] = [];
  await warnOfStoreCondition(store, { warn: (message) => told.push(message) }, more);
  return told;
}

describe('a store', () => {
  it('that neither saves nor appends is said not to persist, with the remedy', async () => {
    const [told, ...others] = await warnings(await storeOn());
    expect(told).toMatch(/^the store does not persist.*IDENTITY_FILE/);
    expect(others).toEqual([]);
  });

  it('that does not persist is said to lose little if Postgres has what lasts', async () => {
    expect(await warnings(await storeOn(), { isRecorded: true })).toEqual([
      expect.stringMatching(/^the store does not persist.*restored from Postgres.*sessions/),
    ]);
  });

  it.each([
    ['appends', { persist: true }],
    ['saves', { args: ['--save', '3600', '1'] }],
  ])('that %s is said nothing of', async (_, options) => {
    expect(await warnings(await storeOn(options))).toEqual([]);
  });

  it('that may evict is said to, with the remedy', async () => {
    const store = await storeOn({ persist: true, args: ['--maxmemory-policy', 'allkeys-lru'] });
    expect(await warnings(store)).toEqual([expect.stringMatching(/^the store may evict.*noeviction/)]);
  });

  it('that forbids CONFIG is told by INFO: what evicts, what appends, and nothing where it cannot be told', async () => {
    const evicting = await storeOn({ args: ['--maxmemory-policy', 'volatile-lru'] }, 'app:password');
    expect(await storeCondition(evicting)).toEqual({ persists: null, evicts: true, policy: 'volatile-lru' });
    const appending = await storeOn({ persist: true }, 'app:password');
    expect(await storeCondition(appending)).toEqual({ persists: true, evicts: false, policy: 'noeviction' });
    expect(await warnings(appending)).toEqual([]);
  });

  it('that does not answer is said nothing of', async () => {
    const store = await storeOn();
    running[0]?.redis.pause();
    expect(await warnings(store)).toEqual([]);
    running[0]?.redis.resume();
  });
});
