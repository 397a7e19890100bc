import { describe, expect, it } from 'vitest';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { SecretStore } from '../../src/identity/store/secret-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { engines, servers, useEngine, useServer, type RunningEngine } from './engines.ts';
import { teamNamed, tokenNamed, userNamed } from './identity-store.ts';
import { secretStoreContract, type SecretStoresUnderTest } from './secret-store.ts';

/** A day ahead: the server itself forgets keys by its own clock, and must not do so while the turned one runs. */
const startMs = Math.floor(Date.now() / 60_000) * 60_000 + 86_400_000 + 1_000;

const keys = keysUnder('t:');

async function emptyStores(on: Pick<RunningEngine, 'empty' | 'turnTo'>): Promise<SecretStoresUnderTest> {
  const store = await on.empty(startMs);
  const bounds = { leaseMs: 7_200_000, maxEntries: 100, retentionDays: 2 };
  return {
    secrets: new SecretStore(store, keys),
    identities: new IdentityStore(store, keys),
    admission: new AdmissionStore(store, keys, bounds),
    turnTo: (nowMs) => on.turnTo(nowMs),
  };
}

describe.each(engines)('the secret store ($name)', (engine) => {
  const on = useEngine(engine);
  secretStoreContract(() => emptyStores(on), startMs);
});

describe.each(servers)('the secret store on a server ($name)', (engine) => {
  const on = useServer(engine);
  const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
  const record = JSON.stringify(tokenNamed('tok_1'));
  const rotation = { expected: record, next: record, secretHash: 'second' };
  const use = { team: 'acme', token: 'tok_1', prefix: 'tgk_a', atMs: startMs };

  async function filled(): Promise<SecretStoresUnderTest> {
    const stores = await emptyStores(on);
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
    expect(await on.redis.client.ttl(keys.used('acme'))).toBeGreaterThan(0);
    expect(await on.redis.client.pttl(keys.rotations('acme/tok_1'))).toBeGreaterThan(0);
    await identities.deleteTeam('acme');
    await secrets.noteUses([use]);
    expect(await on.redis.client.keys('t:*')).toEqual([keys.rotations('acme/tok_1')]);
  });

  it('forgets the uses of a token that is deleted', async () => {
    const { secrets, identities } = await filled();
    await secrets.noteUses([use]);
    await identities.replace(key, record, null);
    expect(await on.redis.client.hgetall(keys.used('acme'))).toEqual({});
  });

  it('in a full store rotates nothing, and notes nothing', async () => {
    const { secrets } = await filled();
    await on.redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(secrets.rotate(key, rotation)).rejects.toThrow(StoreUnavailable);
      await expect(secrets.noteUses([use])).rejects.toThrow(StoreUnavailable);
      await expect(secrets.countRotation(key, 1)).rejects.toThrow(StoreUnavailable);
      expect((await secrets.bound(key)).hashes).toEqual(['first']);
    } finally {
      await on.redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
