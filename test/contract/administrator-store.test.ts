import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryAdministratorStore } from '../../src/identity/store/memory-administrator-store.ts';
import { RedisAdministratorStore } from '../../src/identity/store/administrator-store.ts';
import { RedisIdentityStore } from '../../src/identity/store/identity-store.ts';
import { systemClock } from '../../src/base/clock.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { identityBehind } from '../support/identity-behind.ts';
import { startRedis, type RedisServer } from '../support/redis-server.ts';
import { administratorNamed, administratorStoreContract, secretHash } from './administrator-store.ts';

describe('the memory store of administrators', () => {
  administratorStoreContract(async () => new MemoryAdministratorStore(systemClock));
});

describe('the Redis store of administrators', () => {
  let server: RedisServer;
  let redis: RedisStore;
  const keys = keysUnder('t:');

  beforeAll(async () => {
    server = await startRedis();
    redis = new RedisStore({ url: server.url, verifyTls: false, commandTimeoutMs: 5_000 });
    redis.connect();
    await redis.whenReady(5_000);
  });

  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  async function emptyStore(): Promise<RedisAdministratorStore> {
    await server.flush();
    return new RedisAdministratorStore(redis, keys);
  }

  administratorStoreContract(emptyStore);

  it('keeps two hashes under the prefix, and none when the last administrator goes', async () => {
    const store = await emptyStore();
    await store.create(administratorNamed('adm_1'), secretHash);
    const names = (await server.command('KEYS', '*')) as string[];
    expect(names.toSorted()).toEqual(['t:1:admin-secrets', 't:1:admins']);
    await store.delete('adm_1');
    expect(await server.command('KEYS', '*')).toEqual([]);
  });

  it('keeps administrators where no user token can be found', async () => {
    const store = await emptyStore();
    await store.create(administratorNamed('adm_1'), secretHash);
    expect(await identityBehind(new RedisIdentityStore(redis, keys), secretHash)).toBeNull();
  });

  it('when full still deletes and resolves, but creates nothing', async () => {
    const store = await emptyStore();
    await store.create(administratorNamed('adm_1'), secretHash);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      const second = store.create(administratorNamed('adm_2'), 'b'.repeat(43));
      await expect(second).rejects.toBeInstanceOf(StoreUnavailable);
      expect((await store.resolve(secretHash)).administrator?.id).toBe('adm_1');
      expect(await store.delete('adm_1')).toBe(true);
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });

  it('rejects with StoreUnavailable while Redis does not answer', async () => {
    await emptyStore();
    const impatient = new RedisStore({ url: server.url, verifyTls: false, commandTimeoutMs: 100 });
    impatient.connect();
    await impatient.whenReady(5_000);
    server.pause();
    try {
      const paused = new RedisAdministratorStore(impatient, keys);
      await expect(paused.resolve(secretHash)).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(paused.list()).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(paused.delete('adm_1')).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      server.resume();
      impatient.close();
    }
  });
});
