import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryAdmissionStore } from '../../src/limits/memory-admission-store.ts';
import { RedisAdmissionStore } from '../../src/limits/admission-store.ts';
import type { Counter } from '../../src/limits/window.ts';
import { MemoryIdentityStore } from '../../src/identity/store/memory-identity-store.ts';
import { RedisIdentityStore } from '../../src/identity/store/identity-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { type MintBounds, storedBytes } from '../../src/identity/records/session.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { MemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { MemorySessionStore } from '../../src/sessions/memory-session-store.ts';
import { RedisSessionStore } from '../../src/sessions/session-store.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { connectTo, type TurnedRedis } from './admission-store-redis.ts';
import { teamNamed, tokenNamed, userNamed } from './identity-store.ts';
import { sessionNamed, sessionStoreContract, type SessionStoresUnderTest } from './session-store.ts';

/** A day ahead: the server itself forgets keys by its own clock, and must not do so while the turned one runs. */
const startMs = Math.floor(Date.now() / 60_000) * 60_000 + 86_400_000 + 1_000;

describe('the memory session store', () => {
  sessionStoreContract(async (bounds) => {
    let nowMs = startMs;
    const clock = { now: () => nowMs, monotonic: () => nowMs };
    const sessions = new MemorySessionStore<Counter>({
      clock,
      epochOf: (team) => identities.epoch(team),
      bounds,
    });
    const identities: MemoryIdentityStore = new MemoryIdentityStore(clock, (id) => sessions.find(id));
    const admission = new MemoryAdmissionStore({
      clock,
      leaseMs: 20_000,
      epochOf: (team) => identities.epoch(team),
      countersOfSession: (id) => sessions.find(id)?.counters ?? null,
      ledger: new MemoryLedger({ maxEntries: 100, retentionDays: 2 }),
    });
    const turnTo = (atMs: number): Promise<void> => {
      nowMs = atMs;
      return Promise.resolve();
    };
    return { sessions, identities, admission, turnTo };
  }, startMs);
});

describe('the Redis session store', () => {
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

  async function emptyStores(bounds: MintBounds): Promise<SessionStoresUnderTest> {
    await server.flush();
    await redis.turnTo(startMs);
    const admission = new RedisAdmissionStore(redis, keys, {
      leaseMs: 20_000,
      maxEntries: 100,
      retentionDays: 2,
    });
    return {
      sessions: new RedisSessionStore(redis, keys, bounds),
      identities: new RedisIdentityStore(redis, keys),
      admission,
      turnTo: (atMs) => redis.turnTo(atMs),
    };
  }

  sessionStoreContract(emptyStores, startMs);

  async function withParent(): Promise<SessionStoresUnderTest & { epoch: string }> {
    const stores = await emptyStores({ perMinute: 100_000, maxBytes: 100_000_000 });
    const { identities } = stores;
    await identities.create({ kind: 'team', team: 'acme' }, JSON.stringify(teamNamed('acme')));
    await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(userNamed('ana')));
    const binding = { secretHash: 'hash', user: 'ana' };
    const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
    await identities.create(key, JSON.stringify(tokenNamed('tok_1')), binding);
    const { identity } = await identities.resolve({ secretHash: 'hash', session: null });
    return { ...stores, epoch: identity?.epoch ?? '' };
  }

  const request = (id: string, epoch: string, expiresAtMs: number) => ({
    session: sessionNamed(id, expiresAtMs, { end_user: 'visitor-0123456789' }),
    secretHash: 'x'.repeat(43),
    expiresAtMs,
    parent: { team: 'acme', token: 'tok_1', epoch, expiresAtMs: Infinity },
  });

  it('leaves no key behind that does not expire', async () => {
    const { sessions, admission, epoch } = await withParent();
    await sessions.mint(request('ses_a', epoch, startMs + 900_000));
    await admission.beat('p1');
    const limits = [{ id: 'ses_a/0', span: 'day' as const, amount: 1, max: 9 }];
    const ask = {
      grant: 'g1',
      team: 'acme',
      epoch,
      notAfterMs: Infinity,
      expiresAtMs: Infinity,
      record: 'r',
    };
    await admission.admit('p1', [{ ...ask, session: 'ses_a', limits }]);
    const own = await redis.client.keys('t:*');
    const forever = [];
    for (const key of own) if ((await redis.client.pttl(key)) < 0) forever.push(key);
    expect(forever.sort()).toEqual(
      [keys.epochs, keys.secrets, keys.teams, keys.tokens('acme'), keys.users('acme')].sort(),
    );
    expect(await redis.client.hget(keys.session('ses_a'), 'ses_a/0')).toMatch(/^\d+ 1 0$/);
    expect(await redis.client.pexpiretime(keys.session('ses_a'))).toBe(startMs + 900_000);
  });

  it('reckons no fewer bytes for a session than it takes', async () => {
    const { sessions, epoch } = await withParent();
    const before = await redis.memory();
    for (let n = 0; n < 1_000; n += 1) {
      await sessions.mint(request(`ses_${String(n).padStart(12, '0')}`, epoch, startMs + 900_000 + n));
    }
    const { usedBytes } = await redis.memory();
    const each = (usedBytes - before.usedBytes) / 1_000;
    const { session } = request('ses_000000000000', epoch, startMs + 900_000);
    const reckoned = storedBytes(session, JSON.stringify(session));
    expect(each).toBeLessThan(reckoned);
    expect(each).toBeGreaterThan(reckoned * 0.7);
  });

  it('mints nothing in a full store, and ends what is there', async () => {
    const { sessions, identities, epoch } = await withParent();
    await sessions.mint(request('ses_a', epoch, startMs + 900_000));
    await sessions.mint(request('ses_b', epoch, startMs + 900_000));
    await redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(sessions.mint(request('ses_c', epoch, startMs + 900_000))).rejects.toThrow(
        StoreUnavailable,
      );
      expect(await sessions.end('ses_a')).toBe(true);
      expect(await sessions.endAll({ team: 'acme', token: 'tok_1' })).toBe(1);
      const credential = { secretHash: 'x'.repeat(43), session: { id: 'ses_b', expiresAtMs: 0 } };
      expect((await identities.resolve(credential)).identity).toBeNull();
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
