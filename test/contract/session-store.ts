import { beforeEach, describe, expect, it } from 'vitest';
import type { AdmitRequest, Settlement } from '../../src/limits/store.ts';
import type { AdmissionStore } from '../../src/limits/admission-store.ts';
import type { Credential } from '../../src/identity/records/identity.ts';
import type { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { type Session, sessionLimitId } from '../../src/identity/records/session.ts';
import {
  type MintBounds,
  type MintRequest,
  type MintResult,
  type SessionStore,
  storedBytes,
} from '../../src/sessions/session-store.ts';
import { teamNamed, tokenNamed, userNamed } from './identity-store.ts';
import { closed } from './admission-store-samples.ts';
import { countersOf } from '../support/counters-of.ts';

export interface SessionStoresUnderTest {
  sessions: SessionStore;
  identities: IdentityStore;
  admission: AdmissionStore;
  turnTo(nowMs: number): Promise<void>;
}

export const minuteMs = 60_000;

export function sessionNamed(id: string, expiresAtMs: number, more: Partial<Session> = {}): Session {
  return {
    id,
    models: null,
    endpoints: null,
    origins: null,
    tools: null,
    limits: [],
    pinned: null,
    end_user: null,
    expires_at: new Date(expiresAtMs).toISOString(),
    created_at: '2026-01-31T12:00:00.000Z',
    ...more,
  };
}

/** What every session store does, with the identity and the admission store beside it. `make` gives empty ones. */
export function sessionStoreContract(
  make: (bounds: MintBounds) => Promise<SessionStoresUnderTest>,
  startMs: number,
): void {
  const lifeMs = 15 * minuteMs;
  const expiresAtMs = startMs + lifeMs;
  let stores: SessionStoresUnderTest;

  async function prepared(bounds: Partial<MintBounds> = {}): Promise<void> {
    stores = await make({ perMinute: 100, maxBytes: 1_000_000, ...bounds });
    const { identities, admission } = stores;
    await identities.create({ kind: 'team', team: 'acme' }, JSON.stringify(teamNamed('acme')));
    await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(userNamed('ana')));
    for (const id of ['tok_1', 'tok_2']) {
      const binding = { secretHash: `hash of ${id}`, user: 'ana' };
      await identities.create({ kind: 'token', team: 'acme', id }, JSON.stringify(tokenNamed(id)), binding);
    }
    await admission.beat('p1');
  }

  beforeEach(() => prepared());

  async function epoch(): Promise<string> {
    const { identity } = await stores.identities.resolve({ secretHash: 'hash of tok_1', session: null });
    return identity?.epoch ?? '';
  }

  async function asked(id: string, more: Partial<Session> = {}, token = 'tok_1'): Promise<MintRequest> {
    return {
      session: sessionNamed(id, expiresAtMs, more),
      secretHash: `hash of ${id}`,
      expiresAtMs,
      parent: { team: 'acme', token, epoch: await epoch(), expiresAtMs: Infinity },
    };
  }

  async function mint(id: string, more: Partial<Session> = {}, token = 'tok_1') {
    return stores.sessions.mint(await asked(id, more, token));
  }

  const credential = (id: string): Credential => ({
    secretHash: `hash of ${id}`,
    session: { id, expiresAtMs },
  });

  async function isAlive(id: string): Promise<boolean> {
    return (await stores.identities.resolve(credential(id))).identity !== null;
  }

  describe('minting', () => {
    it('stores a session that resolves to itself and to the people behind it', async () => {
      expect(await mint('ses_a', { end_user: 'visitor 7' })).toEqual({ kind: 'minted' });
      const { identity, nowMs } = await stores.identities.resolve(credential('ses_a'));
      expect(identity).toEqual({
        team: teamNamed('acme'),
        user: userNamed('ana'),
        token: tokenNamed('tok_1'),
        session: sessionNamed('ses_a', expiresAtMs, { end_user: 'visitor 7' }),
        gateway: [],
        epoch: await epoch(),
      });
      expect(nowMs).toBe(startMs);
    });

    it('leaves the epoch of the team alone, and so does ending', async () => {
      const before = await epoch();
      await mint('ses_a');
      await mint('ses_b');
      await stores.sessions.end('ses_a');
      await stores.sessions.endAll({ team: 'acme', token: 'tok_1' });
      expect(await epoch()).toBe(before);
    });

    it('gives nothing for another secret, another session, or a user token of that hash', async () => {
      await mint('ses_a');
      const { identities } = stores;
      const session = { id: 'ses_a', expiresAtMs };
      expect((await identities.resolve({ secretHash: 'guessed', session })).identity).toBeNull();
      expect((await identities.resolve({ secretHash: 'hash of ses_a', session: null })).identity).toBeNull();
      expect((await identities.resolve(credential('ses_b'))).identity).toBeNull();
    });

    it('is refused for a parent that was read before its team changed', async () => {
      const request = await asked('ses_a');
      await stores.identities.replace(
        { kind: 'team', team: 'acme' },
        JSON.stringify(teamNamed('acme')),
        JSON.stringify(teamNamed('acme', { name: 'ACME' })),
      );
      expect(await stores.sessions.mint(request)).toEqual({ kind: 'stale' });
      expect(await isAlive('ses_a')).toBe(false);
    });

    it('is refused for a parent that has expired, by the clock of the store', async () => {
      const request = await asked('ses_a');
      const parent = { ...request.parent, expiresAtMs: startMs };
      expect(await stores.sessions.mint({ ...request, parent })).toEqual({ kind: 'expired' });
    });

    it('is bounded a minute, for each parent by itself', async () => {
      await prepared({ perMinute: 3 });
      for (const id of ['ses_a', 'ses_b', 'ses_c']) expect(await mint(id)).toEqual({ kind: 'minted' });
      const nextMinuteMs = (Math.floor(startMs / minuteMs) + 1) * minuteMs;
      expect(await mint('ses_d')).toEqual({
        kind: 'too_many',
        bound: 'minute',
        max: 3,
        freeAtMs: nextMinuteMs,
        nowMs: startMs,
      });
      expect(await isAlive('ses_d')).toBe(false);
      expect(await mint('ses_e', {}, 'tok_2')).toEqual({ kind: 'minted' });
      await stores.turnTo(nextMinuteMs);
      expect(await mint('ses_d')).toEqual({ kind: 'minted' });
    });

    it('is bounded also if three thousand are asked for at once: exactly those that fit are made', async () => {
      const maxBytes = 2_097_152;
      await prepared({ perMinute: 10_000, maxBytes });
      const parent = (await asked('')).parent;
      const sessionOf = (n: number): Session =>
        sessionNamed(`ses_${String(n).padStart(5, '0')}`, expiresAtMs);
      const bytes = storedBytes(sessionOf(0), JSON.stringify(sessionOf(0)));
      const results: MintResult[] = [];
      for (let batch = 0; batch < 3; batch += 1) {
        const mintings = Array.from({ length: 1_000 }, (_, n) => {
          const session = sessionOf(batch * 1_000 + n);
          return stores.sessions.mint({ session, secretHash: `hash of ${session.id}`, expiresAtMs, parent });
        });
        results.push(...(await Promise.all(mintings)));
      }
      const fitting = Math.floor(maxBytes / bytes);
      expect(fitting).toBeGreaterThan(2_000);
      expect(results.slice(0, fitting).every(({ kind }) => kind === 'minted')).toBe(true);
      const full = { kind: 'too_many', bound: 'room', max: maxBytes, freeAtMs: expiresAtMs, nowMs: startMs };
      for (const result of results.slice(fitting)) expect(result).toEqual(full);
      expect(await mint('ses_other', {}, 'tok_2')).toEqual({ kind: 'minted' });

      await stores.turnTo(expiresAtMs);
      const laterMs = expiresAtMs + lifeMs;
      const later = {
        session: sessionNamed('ses_later', laterMs),
        secretHash: 'later',
        expiresAtMs: laterMs,
        parent,
      };
      expect(await stores.sessions.mint(later)).toEqual({ kind: 'minted' });
      expect(await stores.sessions.endAll({ team: 'acme', token: 'tok_1' })).toBe(1);
    });

    it('is bounded for a whole team at twice the bytes of a token: ending and expiring make room', async () => {
      const plain = sessionNamed('ses_a', expiresAtMs);
      const bytes = storedBytes(plain, JSON.stringify(plain));
      await prepared({ maxBytes: 2 * bytes });
      for (const [id, token] of [
        ['ses_a', 'tok_1'],
        ['ses_b', 'tok_1'],
        ['ses_c', 'tok_2'],
        ['ses_d', 'tok_2'],
      ] as const) {
        expect(await mint(id, {}, token)).toEqual({ kind: 'minted' });
      }
      const full = { kind: 'too_many', bound: 'team_room', freeAtMs: expiresAtMs, nowMs: startMs };
      expect(await mint('ses_e', {}, 'tok_3')).toEqual({ ...full, max: 4 * bytes });
      await stores.sessions.end('ses_c');
      expect(await mint('ses_e', {}, 'tok_3')).toEqual({ kind: 'minted' });
      await stores.sessions.endAll({ team: 'acme', token: 'tok_1' });
      expect(await mint('ses_f', {}, 'tok_3')).toEqual({ kind: 'minted' });
      expect(await mint('ses_g', {}, 'tok_2')).toEqual({ kind: 'minted' });
      expect(await mint('ses_h', {}, 'tok_4')).toMatchObject(full);

      await stores.turnTo(expiresAtMs);
      const later = await asked('ses_i', {}, 'tok_4');
      const laterMs = expiresAtMs + lifeMs;
      const session = sessionNamed('ses_i', laterMs);
      expect(await stores.sessions.mint({ ...later, session, expiresAtMs: laterMs })).toEqual({
        kind: 'minted',
      });
    });

    it('is bounded by the bytes of those alive: ending and expiring make room', async () => {
      const plain = sessionNamed('ses_a', expiresAtMs);
      const bytes = storedBytes(plain, JSON.stringify(plain));
      await prepared({ maxBytes: 2 * bytes });
      await mint('ses_a');
      await mint('ses_b');
      const full = { kind: 'too_many', bound: 'room', max: 2 * bytes, freeAtMs: expiresAtMs, nowMs: startMs };
      expect(await mint('ses_c')).toEqual(full);
      await stores.sessions.end('ses_a');
      expect(await mint('ses_c')).toEqual({ kind: 'minted' });
      expect(await mint('ses_d')).toEqual(full);
      await stores.sessions.endAll({ team: 'acme', token: 'tok_1' });
      expect(await mint('ses_d')).toEqual({ kind: 'minted' });
      expect(await mint('ses_e')).toEqual({ kind: 'minted' });

      await stores.turnTo(expiresAtMs);
      const later = await asked('ses_f');
      const laterMs = expiresAtMs + lifeMs;
      const session = sessionNamed('ses_f', laterMs);
      expect(await stores.sessions.mint({ ...later, session, expiresAtMs: laterMs })).toEqual({
        kind: 'minted',
      });
    });
  });

  describe('ending', () => {
    it('ends one, once', async () => {
      await mint('ses_a');
      await mint('ses_b');
      expect(await stores.sessions.end('ses_a')).toBe(true);
      expect(await isAlive('ses_a')).toBe(false);
      expect(await isAlive('ses_b')).toBe(true);
      expect(await stores.sessions.end('ses_a')).toBe(false);
    });

    it('ends all of one parent and none of another', async () => {
      await mint('ses_a');
      await mint('ses_b');
      await mint('ses_c', {}, 'tok_2');
      expect(await stores.sessions.endAll({ team: 'acme', token: 'tok_1' })).toBe(2);
      expect(await stores.sessions.endAll({ team: 'acme', token: 'tok_1' })).toBe(0);
      expect([await isAlive('ses_a'), await isAlive('ses_b'), await isAlive('ses_c')]).toEqual([
        false,
        false,
        true,
      ]);
    });

    it('comes with the end of the user behind it', async () => {
      await mint('ses_a');
      const key = { kind: 'user', team: 'acme', id: 'ana' } as const;
      await stores.identities.replace(key, JSON.stringify(userNamed('ana')), null);
      expect(await isAlive('ses_a')).toBe(false);
    });

    it('stays with the end of the user, also where one is made again under the same id', async () => {
      await mint('ses_a');
      const ana = { kind: 'user', team: 'acme', id: 'ana' } as const;
      await stores.identities.replace(ana, JSON.stringify(userNamed('ana')), null);
      await stores.identities.create(ana, JSON.stringify(userNamed('ana')));
      expect(await isAlive('ses_a')).toBe(false);
    });

    it('comes with the end of the team', async () => {
      await mint('ses_a');
      await stores.identities.deleteTeam('acme');
      expect(await isAlive('ses_a')).toBe(false);
    });
  });

  describe('exchanges of an ID token', () => {
    it('are counted for each token by itself, until the time that the first one named', async () => {
      const { sessions } = stores;
      expect(await sessions.countExchange('a', expiresAtMs)).toBe(1);
      // Long gone on any clock, and without effect.
      expect(await sessions.countExchange('a', 1_000)).toBe(2);
      expect(await sessions.countExchange('a', expiresAtMs)).toBe(3);
      expect(await sessions.countExchange('b', expiresAtMs)).toBe(1);
    });

    it('are forgotten when the token has expired', async () => {
      expect(await stores.sessions.countExchange('a', 1_000)).toBe(1);
      expect(await stores.sessions.countExchange('a', expiresAtMs)).toBe(1);
    });
  });

  describe('admission', () => {
    const own = (id: string, max: number) => ({
      id: sessionLimitId(id, 0),
      span: 'day' as const,
      amount: 1,
      max,
    });
    const shared = { id: 'team-requests', span: 'day' as const, amount: 1, max: 3 };

    async function ask(
      grant: string,
      session: string,
      limits: AdmitRequest['limits'],
    ): Promise<AdmitRequest> {
      return {
        grant,
        team: 'acme',
        epoch: await epoch(),
        notAfterMs: Infinity,
        session,
        expiresAtMs,
        record: 'record',
        limits,
      };
    }

    async function admit(...requests: AdmitRequest[]): Promise<(string | number[])[]> {
      const reply = await stores.admission.admit('p1', requests);
      if (reply.kind !== 'decided') throw new Error('The process is not known.');
      return reply.decisions.flatMap((decision): (string | number[])[] =>
        'counters' in decision ? [decision.kind, decision.counters.map(({ used }) => used)] : [decision.kind],
      );
    }

    const givenBack = (grant: string, id: string, at: number): Omit<Settlement, 'incarnation'> => ({
      grant,
      team: 'acme',
      adjustments: [{ id, span: 'day', at, delta: -1 }],
      closing: null,
    });

    async function usedOf(id: string): Promise<number | undefined> {
      return (await countersOf(stores.admission, 'acme', [{ id, span: 'day' }]))[0]?.used;
    }

    beforeEach(async () => {
      await mint('ses_a');
      await mint('ses_b');
    });

    it("counts a session's own limits beside those it shares, each session's by itself", async () => {
      expect(await admit(await ask('g1', 'ses_a', [shared, own('ses_a', 1)]))).toEqual(['admitted', [1, 1]]);
      expect(await admit(await ask('g2', 'ses_a', [shared, own('ses_a', 1)]))).toEqual(['denied', [1, 1]]);
      expect(await admit(await ask('g3', 'ses_b', [own('ses_b', 9), shared]))).toEqual(['admitted', [1, 2]]);
      expect(await admit(await ask('g4', 'ses_b', [own('ses_b', 9), shared]))).toEqual(['admitted', [2, 3]]);
      expect(await admit(await ask('g5', 'ses_b', [own('ses_b', 9), shared]))).toEqual(['denied', [2, 3]]);
      const ids = ['team-requests', sessionLimitId('ses_b', 0), sessionLimitId('ses_a', 0)];
      const limits = ids.map((id) => ({ id, span: 'day' as const }));
      const counters = await countersOf(stores.admission, 'acme', limits);
      expect(counters.map(({ used }) => used)).toEqual([3, 2, 1]);
    });

    it('admits nothing of a session that has ended, or never was', async () => {
      await stores.sessions.end('ses_a');
      expect(await admit(await ask('g1', 'ses_a', [shared]), await ask('g2', 'ses_z', []))).toEqual([
        'stale',
        'stale',
      ]);
      expect(await admit(await ask('g3', 'ses_b', [shared]))).toEqual(['admitted', [1]]);
    });

    it('says so where its time is up', async () => {
      const late = { ...(await ask('g1', 'ses_a', [])), expiresAtMs: startMs };
      expect(await admit(late)).toEqual(['expired']);
    });

    it('gives back in settling what a session had reserved, and nothing where it has ended', async () => {
      const [counterId] = [sessionLimitId('ses_a', 0)];
      const index = Math.floor(startMs / 86_400_000);
      await admit(await ask('g1', 'ses_a', [own('ses_a', 5)]), await ask('g2', 'ses_a', [own('ses_a', 5)]));
      const { incarnation } = await stores.admission.beat('p1');
      await stores.admission.settle('p1', [{ ...givenBack('g1', counterId, index), incarnation }]);
      expect(await usedOf(counterId)).toBe(1);
      await stores.sessions.end('ses_a');
      expect(
        closed(await stores.admission.settle('p1', [{ ...givenBack('g2', counterId, index), incarnation }])),
      ).toEqual([true]);
      expect(await isAlive('ses_a')).toBe(false);
      expect(await usedOf(counterId)).toBe(0);
    });
  });
}
