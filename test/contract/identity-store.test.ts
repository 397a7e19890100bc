import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryIdentityStore } from '../../src/identity/store/memory-identity-store.ts';
import { RedisIdentityStore } from '../../src/identity/store/identity-store.ts';
import { systemClock } from '../../src/base/clock.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { startRedis, type RedisServer } from '../support/redis-server.ts';
import { identityStoreContract, teamNamed, tokenNamed, userNamed } from './identity-store.ts';
import { identityBehind } from '../support/identity-behind.ts';

describe('the memory identity store', () => {
  identityStoreContract(async () => new MemoryIdentityStore(systemClock));

  it('tells the epoch that a resolved identity has', async () => {
    const store = new MemoryIdentityStore(systemClock);
    expect(store.epoch('acme')).toBeNull();
    await store.create({ kind: 'team', team: 'acme' }, JSON.stringify(teamNamed('acme')));
    await store.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(userNamed('ana')));
    const binding = { secretHash: 'hash', user: 'ana' };
    const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
    await store.create(key, JSON.stringify(tokenNamed('tok_1')), binding);
    expect((await identityBehind(store, 'hash'))?.epoch).toBe(store.epoch('acme'));
    await store.deleteTeam('acme');
    expect(store.epoch('acme')).toBeNull();
  });
});

describe('the Redis identity store', () => {
  let server: RedisServer;
  let redis: RedisStore;
  const keys = keysUnder('t:');

  beforeAll(async () => {
    server = await startRedis();
    redis = new RedisStore({
      url: server.url,
      verifyTls: false,
      commandTimeoutMs: 5_000,
    });
    redis.connect();
    await redis.whenReady(5_000);
  });

  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  async function emptyStore(): Promise<RedisIdentityStore> {
    await server.flush();
    return new RedisIdentityStore(redis, keys);
  }

  identityStoreContract(emptyStore);

  async function fill(store: RedisIdentityStore): Promise<void> {
    await store.create({ kind: 'team', team: 'acme' }, JSON.stringify(teamNamed('acme')));
    await store.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(userNamed('ana')));
    const binding = { secretHash: 'hash', user: 'ana' };
    const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
    await store.create(key, JSON.stringify(tokenNamed('tok_1')), binding);
  }

  it('leaves no key behind when the last team goes', async () => {
    const store = await emptyStore();
    await fill(store);
    await store.deleteTeam('acme');
    expect(await server.command('KEYS', '*')).toEqual([]);
  });

  it('keeps every key under the prefix', async () => {
    const store = await emptyStore();
    await fill(store);
    const names = (await server.command('KEYS', '*')) as string[];
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !name.startsWith('t:'))).toEqual([]);
  });

  it('when full still revokes and deletes, but creates nothing', async () => {
    const store = await emptyStore();
    await fill(store);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      const bob = { kind: 'user', team: 'acme', id: 'bob' } as const;
      await expect(store.create(bob, '{}')).rejects.toBeInstanceOf(StoreUnavailable);
      const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
      const revoked = JSON.stringify(tokenNamed('tok_1', { revoked_at: '2026-01-31T12:00:00.000Z' }));
      expect(await store.replace(key, JSON.stringify(tokenNamed('tok_1')), revoked)).toBe('replaced');
      expect((await identityBehind(store, 'hash'))?.token.revoked_at).not.toBeNull();
      expect(await store.replace(key, revoked, null)).toBe('replaced');
      expect(await store.deleteTeam('acme')).toBe(true);
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });

  it('rejects with StoreUnavailable while Redis does not answer', async () => {
    const store = await emptyStore();
    const impatient = new RedisStore({
      url: server.url,
      verifyTls: false,
      commandTimeoutMs: 100,
    });
    impatient.connect();
    await impatient.whenReady(5_000);
    server.pause();
    try {
      const paused = new RedisIdentityStore(impatient, keys);
      await expect(identityBehind(paused, 'hash')).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(paused.list('team')).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      server.resume();
      impatient.close();
    }
    expect(await store.list('team')).toEqual([]);
  });
});
