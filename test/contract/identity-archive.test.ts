import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryAdministratorStore } from '../../src/identity/store/memory-administrator-store.ts';
import { MemoryArchive } from '../../src/identity/store/memory-archive.ts';
import { MemoryIdentityStore } from '../../src/identity/store/memory-identity-store.ts';
import { RedisAdministratorStore } from '../../src/identity/store/administrator-store.ts';
import { RedisArchive } from '../../src/identity/store/identity-archive.ts';
import { RedisIdentityStore } from '../../src/identity/store/identity-store.ts';
import { Backup } from '../../src/backup/backup.ts';
import { systemClock } from '../../src/base/clock.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { documentOf, largeDocument, tokenRow } from '../support/documents.ts';
import { startRedis, type RedisServer } from '../support/redis-server.ts';
import { identityArchiveContract, type Stores } from './identity-archive.ts';

describe('the archive of the memory store', () => {
  identityArchiveContract(async () => {
    const identities = new MemoryIdentityStore(systemClock);
    const administrators = new MemoryAdministratorStore(systemClock);
    return { identities, administrators, archive: new MemoryArchive(identities, administrators) };
  });
});

describe('the archive of the Redis store', () => {
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

  async function emptyStores(): Promise<Stores> {
    await server.flush();
    return {
      identities: new RedisIdentityStore(redis, keys),
      administrators: new RedisAdministratorStore(redis, keys),
      archive: new RedisArchive(redis, keys),
    };
  }

  identityArchiveContract(emptyStores);

  it('when full takes nothing of an import, and exports all the same', async () => {
    const { archive } = await emptyStores();
    const backup = new Backup({ archive, clock: systemClock });
    await backup.import(JSON.stringify(documentOf({ tokens: [tokenRow('tok_first')] })), {
      overwrite: false,
    });
    const before = await server.command('DBSIZE');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      const large = JSON.stringify(largeDocument(500));
      await expect(backup.import(large, { overwrite: true })).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await backup.export(null)).toMatchObject({ teams: [{ id: 'acme' }] });
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
    expect(await archive.teams()).toEqual(['acme']);
    expect(await server.command('DBSIZE')).toBe(before);
  });

  it('keeps every key under the prefix, and none of them expires', async () => {
    const { archive } = await emptyStores();
    await new Backup({ archive, clock: systemClock }).import(JSON.stringify(documentOf()), {
      overwrite: false,
    });
    const administrator = { kind: 'administrator', team: '@', id: 'adm_1' } as const;
    const next = { text: '{}', secrets: ['hash'] };
    await archive.commit({ changes: [{ key: administrator, found: null, next }] });
    expect(await server.command('HKEYS', keys.epochs)).toEqual(['acme']); // which no administrator moves
    for (const name of (await server.command('KEYS', '*')) as string[]) {
      expect(name).toMatch(/^t:1:/);
      expect(await server.command('TTL', name)).toBe(-1);
    }
  });
});
