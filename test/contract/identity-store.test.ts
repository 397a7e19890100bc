import { describe, expect, it } from 'vitest';
import { ChangeCounter } from '../../src/identity/store/change-counter.ts';
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

describe.each(engines)('the room of a team ($name)', (engine) => {
  const on = useEngine(engine);
  const token = (n: number) => ({ kind: 'token', team: 'acme', id: `tok_${n}` }) as const;
  const text = (n: number, name: string | null = null): string =>
    JSON.stringify(tokenNamed(`tok_${n}`, { name }));
  const create = (store: IdentityStore, n: number): Promise<string> =>
    store.create(token(n), text(n), { secretHash: `hash-${n}`, user: 'ana' });

  async function storeOf(records: number, bytes: number): Promise<IdentityStore> {
    const store = new IdentityStore(await on.empty(), keys, undefined, { records, bytes });
    await store.create({ kind: 'team', team: 'acme' }, JSON.stringify(teamNamed('acme')));
    await store.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(userNamed('ana')));
    return store;
  }

  it('is so many records, of each kind', async () => {
    const store = await storeOf(2, 100_000);
    expect([await create(store, 1), await create(store, 2), await create(store, 3)]).toEqual([
      'created',
      'created',
      'full',
    ]);
    await store.replace(token(1), text(1), null);
    expect(await create(store, 3)).toBe('created');
  });

  it('is so many bytes, whether a record is made or grows; one that does not grow always fits', async () => {
    const store = await storeOf(10, 2 * text(1).length + 5);
    expect([await create(store, 1), await create(store, 2), await create(store, 3)]).toEqual([
      'created',
      'created',
      'full',
    ]);
    expect(await store.replace(token(1), text(1), text(1, 'a long name'))).toBe('full');
    expect(await store.replace(token(1), text(1), text(1, 'abcd'))).toBe('replaced');
    expect(await store.replace(token(1), text(1, 'abcd'), text(1))).toBe('replaced');
  });
});

/** A day ahead: the server itself forgets keys by its own clock, and must not do so while the turned one runs. */
const startMs = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 2 * 86_400_000;

describe.each(engines)('the counter of changes ($name)', (engine) => {
  const on = useEngine(engine);

  it('counts for each who asks, by the minute and by the day, and says when there is room again', async () => {
    const counter = new ChangeCounter(await on.empty(startMs), keys);
    const count = async (who = 'adm_1'): Promise<object> => counter.count(who, { perMinute: 2, perDay: 3 });
    expect([await count(), await count()]).toEqual([{ kind: 'counted' }, { kind: 'counted' }]);
    expect(await count()).toEqual({ kind: 'minute', max: 2, nowMs: startMs, freeAtMs: startMs + 60_000 });
    expect(await count('adm_2')).toEqual({ kind: 'counted' });
    await on.turnTo(startMs + 60_000);
    expect(await count()).toEqual({ kind: 'counted' });
    expect(await count()).toMatchObject({ kind: 'day', max: 3, freeAtMs: startMs + 86_400_000 });
    await on.turnTo(startMs + 86_400_000);
    expect(await count()).toEqual({ kind: 'counted' });
  });

  it('counts without end if there is no bound on the day', async () => {
    const counter = new ChangeCounter(await on.empty(startMs), keys);
    for (let n = 0; n < 5; n += 1)
      expect(await counter.count('root', { perMinute: 5, perDay: null })).toEqual({ kind: 'counted' });
    expect(await counter.count('root', { perMinute: 5, perDay: null })).toMatchObject({ kind: 'minute' });
  });
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
      await expect(store.create(bob, '{}')).rejects.toMatchObject({ name: 'StoreUnavailable', isFull: true });
      const renamed = store.replace(
        { kind: 'user', team: 'acme', id: 'ana' },
        JSON.stringify(userNamed('ana')),
        JSON.stringify(userNamed('ana', { name: 'Ana' })),
      );
      await expect(renamed).rejects.toMatchObject({ name: 'StoreUnavailable', isFull: true });
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
