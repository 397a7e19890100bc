import { describe, expect, it } from 'vitest';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';
import { identityStoreContract, teamNamed, tokenNamed, userNamed } from './identity-store.ts';
import { identityBehind } from '../support/identity-behind.ts';

const keys = keysUnder('t:');

describe.each(engines)('the identity store ($name)', (engine) => {
  const on = useEngine(engine);
  identityStoreContract(async () => new IdentityStore(await on.empty(), keys));
});

describe.each(servers)('the identity store on a server ($name)', (engine) => {
  const on = useServer(engine);
  const emptyStore = async (): Promise<IdentityStore> => new IdentityStore(await on.empty(), keys);

  async function fill(store: IdentityStore): Promise<void> {
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
    expect(await on.server.command('KEYS', '*')).toEqual([]);
  });

  it('keeps every key under the prefix', async () => {
    const store = await emptyStore();
    await fill(store);
    const names = (await on.server.command('KEYS', '*')) as string[];
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !name.startsWith('t:'))).toEqual([]);
  });

  it('when full still revokes and deletes, but creates nothing', async () => {
    const store = await emptyStore();
    await fill(store);
    await on.server.command('CONFIG', 'SET', 'maxmemory', '1');
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
      await on.server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });

  it('rejects with StoreUnavailable while Redis does not answer', async () => {
    const store = await emptyStore();
    const impatient = new RedisStore({
      url: on.server.url,
      verifyTls: false,
      commandTimeoutMs: 100,
    });
    impatient.connect();
    await impatient.whenReady(5_000);
    on.server.pause();
    try {
      const paused = new IdentityStore(impatient, keys);
      await expect(identityBehind(paused, 'hash')).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(paused.list('team')).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      on.server.resume();
      impatient.close();
    }
    expect(await store.list('team')).toEqual([]);
  });
});
