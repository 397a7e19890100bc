import { describe, expect, it } from 'vitest';
import { AdministratorStore } from '../../src/identity/store/administrator-store.ts';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { identityBehind } from '../support/identity-behind.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';
import { administratorNamed, administratorStoreContract, secretHash } from './administrator-store.ts';

const keys = keysUnder('t:');

describe.each(engines)('the store of administrators ($name)', (engine) => {
  const on = useEngine(engine);
  administratorStoreContract(async () => new AdministratorStore(await on.empty(), keys));
});

describe.each(servers)('the store of administrators on a server ($name)', (engine) => {
  const on = useServer(engine);
  const emptyStore = async (): Promise<AdministratorStore> => new AdministratorStore(await on.empty(), keys);

  it('keeps two hashes under the prefix, and none when the last administrator goes', async () => {
    const store = await emptyStore();
    await store.create(administratorNamed('adm_1'), secretHash);
    const names = (await on.server.command('KEYS', '*')) as string[];
    expect(names.toSorted()).toEqual(['t:1:admin-secrets', 't:1:admins']);
    await store.delete('adm_1');
    expect(await on.server.command('KEYS', '*')).toEqual([]);
  });

  it('keeps administrators where no user token can be found', async () => {
    const store = await emptyStore();
    await store.create(administratorNamed('adm_1'), secretHash);
    expect(await identityBehind(new IdentityStore(on.redis, keys), secretHash)).toBeNull();
  });

  it('when full still deletes and resolves, but creates nothing', async () => {
    const store = await emptyStore();
    await store.create(administratorNamed('adm_1'), secretHash);
    await on.server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      const second = store.create(administratorNamed('adm_2'), 'b'.repeat(43));
      await expect(second).rejects.toBeInstanceOf(StoreUnavailable);
      expect((await store.resolve(secretHash)).administrator?.id).toBe('adm_1');
      expect(await store.delete('adm_1')).toBe(true);
    } finally {
      await on.server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });

  it('rejects with StoreUnavailable while Redis does not answer', async () => {
    await emptyStore();
    const impatient = new RedisStore({ url: on.server.url, verifyTls: false, commandTimeoutMs: 100 });
    impatient.connect();
    await impatient.whenReady(5_000);
    on.server.pause();
    try {
      const paused = new AdministratorStore(impatient, keys);
      await expect(paused.resolve(secretHash)).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(paused.list()).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(paused.delete('adm_1')).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      on.server.resume();
      impatient.close();
    }
  });
});
