import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryAdmissionStore } from '../../src/limits/memory-admission-store.ts';
import { RedisAdmissionStore } from '../../src/limits/admission-store.ts';
import { MemoryIdentityStore } from '../../src/identity/store/memory-identity-store.ts';
import { MemorySecretStore } from '../../src/identity/store/memory-secret-store.ts';
import { RedisIdentityStore } from '../../src/identity/store/identity-store.ts';
import { RedisSecretStore } from '../../src/identity/store/secret-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { MemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { connectTo, type TurnedRedis } from './admission-store-redis.ts';
import { teamNamed, tokenNamed, userNamed } from './identity-store.ts';
import { secretStoreContract, type SecretStoresUnderTest } from './secret-store.ts';

/** A day ahead: the server itself forgets keys by its own clock, and must not do so while the turned one runs. */
const startMs = Math.floor(Date.now() / 60_000) * 60_000 + 86_400_000 + 1_000;

describe('the memory secret store', () => {
  secretStoreContract(async () => {
    let nowMs = startMs;
    const clock = { now: () => nowMs, monotonic: () => nowMs };
    const identities = new MemoryIdentityStore(clock);
    const admission = new MemoryAdmissionStore({
      clock,
      leaseMs: 7_200_000,
      epochOf: (team) => identities.epoch(team),
      countersOfSession: () => null,
      ledger: new MemoryLedger({ maxEntries: 100, retentionDays: 2 }),
    });
    const turnTo = (atMs: number): Promise<void> => {
      nowMs = atMs;
      return Promise.resolve();
    };
    return { identities, admission, secrets: new MemorySecretStore(identities, clock), turnTo };
  }, startMs);
});

describe('the Redis secret store', () => {
  const keys = keysUnder('t:');
  let server: RedisServer;
  let redis: TurnedRedis;

  beforeAll(async () => {
    server = await startRedis();
    redis = connectTo(server);
    await redis.whenReady(5_000);
  });

  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  async function emptyStores(): Promise<SecretStoresUnderTest> {
    await server.flush();
    await redis.turnTo(startMs);
    const bounds = { leaseMs: 7_200_000, maxEntries: 100, retentionDays: 2 };
    return {
      secrets: new RedisSecretStore(redis, keys),
      identities: new RedisIdentityStore(redis, keys),
      admission: new RedisAdmissionStore(redis, keys, bounds),
      turnTo: (atMs) => redis.turnTo(atMs),
    };
  }

  secretStoreContract(emptyStores, startMs);

  const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
  const record = JSON.stringify(tokenNamed('tok_1'));
  const rotation = { expected: record, next: record, secretHash: 'second' };
  const use = { team: 'acme', token: 'tok_1', prefix: 'tgk_a', atMs: startMs };

  async function filled(): Promise<SecretStoresUnderTest> {
    const stores = await emptyStores();
    const { identities } = stores;
    await identities.create({ kind: 'team', team: 'acme' }, JSON.stringify(teamNamed('acme')));
    await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(userNamed('ana')));
    await identities.create(key, record, { secretHash: 'first', user: 'ana' });
    return stores;
  }

  it('leaves no key behind when the last team goes, but what expires', async () => {
    const { secrets, identities } = await filled();
    await secrets.rotate(key, rotation);
    await secrets.noteUses([use]);
    await secrets.countRotation(key, 10);
    expect(await redis.client.ttl(keys.used('acme'))).toBeGreaterThan(0);
    expect(await redis.client.pttl(keys.rotations('acme/tok_1'))).toBeGreaterThan(0);
    await identities.deleteTeam('acme');
    await secrets.noteUses([use]);
    expect(await redis.client.keys('t:*')).toEqual([keys.rotations('acme/tok_1')]);
  });

  it('forgets the uses of a token that is deleted', async () => {
    const { secrets, identities } = await filled();
    await secrets.noteUses([use]);
    await identities.replace(key, record, null);
    expect(await redis.client.hgetall(keys.used('acme'))).toEqual({});
  });

  it('bounds what it keeps of uses', async () => {
    const { secrets } = await filled();
    for (let n = 0; n < 10; n += 1) {
      await secrets.noteUses([{ ...use, prefix: `tgk_${n}`, atMs: startMs + n }]);
    }
    expect([...((await secrets.lastUses('acme', ['tok_1']))[0]?.keys() ?? [])]).toEqual([
      'tgk_9',
      'tgk_8',
      'tgk_7',
    ]);
  });

  it('in a full store rotates nothing, and notes nothing', async () => {
    const { secrets } = await filled();
    await redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(secrets.rotate(key, rotation)).rejects.toThrow(StoreUnavailable);
      await expect(secrets.noteUses([use])).rejects.toThrow(StoreUnavailable);
      await expect(secrets.countRotation(key, 1)).rejects.toThrow(StoreUnavailable);
      expect((await secrets.bound(key)).hashes).toEqual(['first']);
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
