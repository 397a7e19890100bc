import { describe, expect, it } from 'vitest';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { type MintBounds, SessionStore, storedBytes } from '../../src/sessions/session-store.ts';
import { engines, servers, useEngine, useServer, type RunningEngine } from './engines.ts';
import { teamNamed, tokenNamed, userNamed } from './identity-store.ts';
import { sessionNamed, sessionStoreContract, type SessionStoresUnderTest } from './session-store.ts';

/** A day ahead: the server itself forgets keys by its own clock, and must not do so while the turned one runs. */
const startMs = Math.floor(Date.now() / 60_000) * 60_000 + 86_400_000 + 1_000;

const keys = keysUnder('t:');

async function emptyStores(
  on: Pick<RunningEngine, 'empty' | 'turnTo'>,
  bounds: MintBounds,
): Promise<SessionStoresUnderTest> {
  const store = await on.empty(startMs);
  return {
    sessions: new SessionStore(store, keys, bounds),
    identities: new IdentityStore(store, keys),
    admission: new AdmissionStore(store, keys, { leaseMs: 20_000, maxEntries: 100, retentionDays: 2 }),
    turnTo: (nowMs) => on.turnTo(nowMs),
  };
}

describe.each(engines)('the session store ($name)', (engine) => {
  const on = useEngine(engine);
  sessionStoreContract((bounds) => emptyStores(on, bounds), startMs);
});

describe.each(servers)('the session store on a server ($name)', (engine) => {
  const on = useServer(engine);

  async function withParent(): Promise<SessionStoresUnderTest & { epoch: string }> {
    const stores = await emptyStores(on, { perMinute: 100_000, maxBytes: 100_000_000 });
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
    const own = await on.redis.client.keys('t:*');
    const forever = [];
    for (const key of own) if ((await on.redis.client.pttl(key)) < 0) forever.push(key);
    expect(forever.sort()).toEqual(
      [keys.epochs, keys.secrets, keys.teams, keys.tokens('acme'), keys.users('acme')].sort(),
    );
    expect(await on.redis.client.hget(keys.session('ses_a'), 'ses_a/0')).toMatch(/^\d+ 1 0$/);
    expect(await on.redis.client.pexpiretime(keys.session('ses_a'))).toBe(startMs + 900_000);
  });

  it('reckons no fewer bytes for a session than it takes', async () => {
    const { sessions, epoch } = await withParent();
    const before = await on.redis.memory();
    for (let n = 0; n < 1_000; n += 1) {
      await sessions.mint(request(`ses_${String(n).padStart(12, '0')}`, epoch, startMs + 900_000 + n));
    }
    const { usedBytes } = await on.redis.memory();
    const each = (usedBytes - before.usedBytes) / 1_000;
    const { session } = request('ses_000000000000', epoch, startMs + 900_000);
    const reckoned = storedBytes(session, JSON.stringify(session));
    expect(each).toBeLessThan(reckoned);
    expect(each).toBeGreaterThan(reckoned * 0.7);
  });

  it.each([20, 200])(
    'reckons no fewer bytes for a session whose limit of %i per minute is used up, a request at a time',
    async (max) => {
      const stores = await withParent();
      const { sessions, admission, epoch } = stores;
      const made = Array.from({ length: 80 }, (_, n) => {
        const asked = request(`ses_${String(n).padStart(12, '0')}`, epoch, startMs + 900_000);
        const limit = { id: `${asked.session.id}/0`, metric: 'requests', window: 'minute', max } as const;
        return { ...asked, session: { ...asked.session, limits: [limit] } };
      });
      const used = { team: 'acme', epoch, notAfterMs: Infinity, expiresAtMs: Infinity, record: 'r' };

      /** One request of each of these sessions, admitted and settled. */
      async function useOnce(of: typeof made, step: number): Promise<void> {
        await admission.beat('p1');
        const asked = of.map(({ session: { id } }) => {
          const limits = [{ id: `${id}/0`, span: 'minute' as const, amount: 1, max }];
          return { ...used, grant: `${id}-${step}`, session: id, limits };
        });
        const reply = await admission.admit('p1', asked);
        if (reply.kind !== 'decided') throw new Error('The process is not known.');
        expect(new Set(reply.decisions.map(({ kind }) => kind))).toEqual(new Set(['admitted']));
        const { incarnation } = reply;
        await admission.settle(
          'p1',
          asked.map(({ grant }) => ({ grant, team: 'acme', incarnation, adjustments: [], closing: null })),
        );
      }

      const [first, ...others] = made;
      if (first === undefined) throw new Error('There are sessions.');
      await sessions.mint(first);
      await useOnce([first], 0); // loads the scripts, which take more than sessions do
      const before = await on.redis.memory();
      for (const each of others) await sessions.mint(each);
      for (let step = 0; step < max; step += 1) {
        await stores.turnTo(startMs + Math.floor((step * 59_000) / max));
        await useOnce(others, step);
      }
      const { usedBytes } = await on.redis.memory();
      const each = (usedBytes - before.usedBytes) / others.length;
      expect(each).toBeLessThan(storedBytes(first.session, JSON.stringify(first.session)));
    },
  );

  it('mints nothing in a full store, and ends what is there', async () => {
    const { sessions, identities, epoch } = await withParent();
    await sessions.mint(request('ses_a', epoch, startMs + 900_000));
    await sessions.mint(request('ses_b', epoch, startMs + 900_000));
    await on.redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(sessions.mint(request('ses_c', epoch, startMs + 900_000))).rejects.toThrow(
        StoreUnavailable,
      );
      expect(await sessions.end('ses_a')).toBe(true);
      expect(await sessions.endAll({ team: 'acme', token: 'tok_1' })).toBe(1);
      const credential = { secretHash: 'x'.repeat(43), session: { id: 'ses_b', expiresAtMs: 0 } };
      expect((await identities.resolve(credential)).identity).toBeNull();
    } finally {
      await on.redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
