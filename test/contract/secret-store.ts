import { beforeEach, describe, expect, it } from 'vitest';
import type { AdmissionStore } from '../../src/limits/admission-store.ts';
import { makePrincipal } from '../../src/access/principal.ts';
import type { RecordKey, Token } from '../../src/identity/records/identity.ts';
import type { IdentityStore } from '../../src/identity/store/identity-store.ts';
import type { SecretStore } from '../../src/identity/store/secret-store.ts';
import { teamNamed, tokenNamed, userNamed } from './identity-store.ts';

export interface SecretStoresUnderTest {
  secrets: SecretStore;
  identities: IdentityStore;
  admission: AdmissionStore;
  turnTo(nowMs: number): Promise<void>;
}

const hourMs = 3_600_000;
const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
const first = 'hash-of-first';

/** What every secret store does, with the identity and the admission store beside it. `make` gives empty ones. */
export function secretStoreContract(make: () => Promise<SecretStoresUnderTest>, startMs: number): void {
  let stores: SecretStoresUnderTest;

  beforeEach(async () => {
    stores = await make();
    const { identities, admission } = stores;
    await identities.create({ kind: 'team', team: 'acme' }, JSON.stringify(teamNamed('acme')));
    await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(userNamed('ana')));
    const binding = { secretHash: first, user: 'ana' };
    await identities.create(key, JSON.stringify(tokenNamed('tok_1')), binding);
    await admission.beat('p1');
  });

  async function text(): Promise<string> {
    return (await stores.identities.read(key)) ?? '';
  }

  /** Rotates to `hash`; the secret before ends then. */
  async function rotate(hash: string, oldEndsMs = startMs + hourMs): Promise<'replaced' | 'conflict'> {
    const expected = await text();
    const before = JSON.parse(expected) as Token;
    const created_at = new Date(startMs).toISOString();
    const old = before.secrets?.[0] ?? { hash: first, prefix: before.prefix, created_at, expires_at: null };
    const next: Token = {
      ...before,
      prefix: `tgk_${hash}`,
      secrets: [
        { hash, prefix: `tgk_${hash}`, created_at, expires_at: null },
        { ...old, expires_at: new Date(oldEndsMs).toISOString() },
      ],
    };
    return stores.secrets.rotate(key, { expected, next: JSON.stringify(next), secretHash: hash });
  }

  const resolve = (secretHash: string) => stores.identities.resolve({ secretHash, session: null });
  const isKnown = async (hash: string): Promise<boolean> => (await resolve(hash)).identity !== null;
  const epoch = async (hash = first): Promise<string> => (await resolve(hash)).identity?.epoch ?? '';

  /** What admission says to a request with a secret, as it was read. */
  async function admit(secretHash: string, grant: string, read = resolve(secretHash)): Promise<string> {
    const { identity } = await read;
    if (!identity) return 'unknown';
    const principal = makePrincipal(identity, { secretHash, session: null });
    const reply = await stores.admission.admit('p1', [
      {
        grant,
        team: 'acme',
        epoch: identity.epoch,
        notAfterMs: Number.MAX_SAFE_INTEGER,
        session: null,
        expiresAtMs: principal.expiresAtMs,
        record: 'record',
        limits: [],
      },
    ]);
    return reply.kind === 'decided' ? (reply.decisions[0]?.kind ?? 'nothing') : reply.kind;
  }

  describe('bound', () => {
    it('gives the hashes of a token, the newest first, and the clock', async () => {
      expect(await stores.secrets.bound(key)).toEqual({ nowMs: startMs, hashes: [first] });
      await rotate('second');
      await rotate('third');
      expect((await stores.secrets.bound(key)).hashes).toEqual(['third', 'second', first]);
    });

    it('gives none for a token there is not, or whose user is gone', async () => {
      expect((await stores.secrets.bound({ kind: 'token', team: 'acme', id: 'tok_2' })).hashes).toEqual([]);
      expect((await stores.secrets.bound({ kind: 'token', team: 'beta', id: 'tok_1' })).hashes).toEqual([]);
      const ana: RecordKey = { kind: 'user', team: 'acme', id: 'ana' };
      await stores.identities.replace(ana, JSON.stringify(userNamed('ana')), null);
      expect((await stores.secrets.bound(key)).hashes).toEqual([]);
    });
  });

  describe('rotate', () => {
    it('binds the new secret beside the old one, under one id', async () => {
      expect(await rotate('second')).toBe('replaced');
      for (const hash of [first, 'second']) {
        expect((await resolve(hash)).identity?.token).toMatchObject({ id: 'tok_1', prefix: 'tgk_second' });
      }
    });

    it('moves the epoch', async () => {
      const before = await epoch();
      await rotate('second');
      expect(await epoch()).not.toBe(before);
    });

    it('is a conflict where the record has changed or is gone, or the secret is bound already', async () => {
      const rotation = { expected: await text(), next: '{}', secretHash: 'second' };
      expect(await stores.secrets.rotate(key, { ...rotation, expected: '{}' })).toBe('conflict');
      expect(await stores.secrets.rotate({ kind: 'token', team: 'acme', id: 'tok_2' }, rotation)).toBe(
        'conflict',
      );
      expect(await stores.secrets.rotate({ kind: 'token', team: 'beta', id: 'tok_1' }, rotation)).toBe(
        'conflict',
      );
      expect(await stores.secrets.rotate(key, { ...rotation, secretHash: first })).toBe('conflict');
      expect(await isKnown('second')).toBe(false);
    });

    it('lets one of many at once through', async () => {
      const results = await Promise.all(Array.from({ length: 10 }, (_, n) => rotate(`new-${n}`)));
      expect(results.filter((result) => result === 'replaced')).toHaveLength(1);
      expect((await stores.secrets.bound(key)).hashes).toHaveLength(2);
    });

    it('does not bring a token back to life whose user was removed', async () => {
      const ana: RecordKey = { kind: 'user', team: 'acme', id: 'ana' };
      await stores.identities.replace(ana, JSON.stringify(userNamed('ana')), null);
      expect(await rotate('second')).toBe('conflict');
      await stores.identities.create(ana, JSON.stringify(userNamed('ana')));
      expect([await isKnown(first), await isKnown('second')]).toEqual([false, false]);
    });

    it('keeps a few secrets that have ended, to say why, and forgets older ones', async () => {
      for (const hash of ['2', '3', '4', '5', '6']) await rotate(hash);
      expect((await stores.secrets.bound(key)).hashes).toEqual(['6', '5', '4', '3']);
      expect([await isKnown('3'), await isKnown('2'), await isKnown(first)]).toEqual([true, false, false]);
    });
  });

  describe('the old secret', () => {
    it('is admitted until its end, exactly, by the clock of the store', async () => {
      await rotate('second', startMs + hourMs);
      await stores.turnTo(startMs + 1_000);
      expect([await admit(first, 'a'), await admit('second', 'b')]).toEqual(['admitted', 'admitted']);
      const read = resolve(first);
      await read;
      for (const [at, expected] of [
        [-1, 'admitted'],
        [0, 'expired'],
        [1, 'expired'],
      ] as const) {
        await stores.turnTo(startMs + hourMs + at);
        await stores.admission.beat('p1');
        // Also by a process that read it long before.
        expect([at, await admit(first, `old${at}`), await admit(first, `read${at}`, read)]).toEqual([
          at,
          expected,
          expected,
        ]);
        expect(await admit('second', `new${at}`)).toBe('admitted');
      }
    });

    it('ends at once when the token is rotated again, for whoever has read it too', async () => {
      await rotate('second');
      const read = resolve(first);
      await read;
      await rotate('third');
      expect(await admit(first, 'a', read)).toBe('stale');
      expect(await admit(first, 'b')).toBe('expired');
      expect([await admit('second', 'c'), await admit('third', 'd')]).toEqual(['admitted', 'admitted']);
    });
  });

  describe('removing', () => {
    const all = [first, 'second', 'third'];
    const known = async (): Promise<boolean[]> => Promise.all(all.map(isKnown));

    beforeEach(async () => {
      await rotate('second');
      await rotate('third');
      await stores.secrets.noteUses([{ team: 'acme', token: 'tok_1', prefix: 'tgk_third', atMs: startMs }]);
      expect(await known()).toEqual([true, true, true]);
    });

    it('the token unbinds all of its secrets', async () => {
      await stores.identities.replace(key, await text(), null);
      expect(await known()).toEqual([false, false, false]);
    });

    it('the user unbinds all of its secrets, for ever', async () => {
      const ana: RecordKey = { kind: 'user', team: 'acme', id: 'ana' };
      await stores.identities.replace(ana, JSON.stringify(userNamed('ana')), null);
      await stores.identities.create(ana, JSON.stringify(userNamed('ana')));
      expect(await known()).toEqual([false, false, false]);
    });

    it('the team unbinds all of its secrets', async () => {
      await stores.identities.deleteTeam('acme');
      expect(await known()).toEqual([false, false, false]);
      expect((await stores.secrets.bound(key)).hashes).toEqual([]);
    });
  });

  describe('last uses', () => {
    const use = (prefix: string, atMs: number, token = 'tok_1') => ({ team: 'acme', token, prefix, atMs });

    it('are kept for each secret by itself, and leave the epoch alone', async () => {
      const before = await epoch();
      const { secrets } = stores;
      expect(await secrets.lastUses('acme', ['tok_1'])).toEqual([new Map()]);
      await secrets.noteUses([use('tgk_a', startMs), use('tgk_b', startMs + 5)]);
      await secrets.noteUses([use('tgk_a', startMs + 9)]);
      expect(await secrets.lastUses('acme', ['tok_2', 'tok_1'])).toEqual([
        new Map(),
        new Map([
          ['tgk_a', startMs + 9],
          ['tgk_b', startMs + 5],
        ]),
      ]);
      expect(await epoch()).toBe(before);
    });

    it('never go back, whichever process writes last', async () => {
      await stores.secrets.noteUses([use('tgk_a', startMs + 9)]);
      await stores.secrets.noteUses([use('tgk_a', startMs)]);
      expect(await stores.secrets.lastUses('acme', ['tok_1'])).toEqual([new Map([['tgk_a', startMs + 9]])]);
    });

    it('are kept of the six that were used last', async () => {
      for (let n = 0; n < 10; n += 1) await stores.secrets.noteUses([use(`tgk_${n}`, startMs + n)]);
      const [uses] = await stores.secrets.lastUses('acme', ['tok_1']);
      expect([...(uses?.keys() ?? [])]).toEqual(['tgk_9', 'tgk_8', 'tgk_7', 'tgk_6', 'tgk_5', 'tgk_4']);
    });

    it('of tokens there are not are not kept', async () => {
      await stores.secrets.noteUses([
        use('tgk_a', startMs, 'tok_2'),
        { ...use('tgk_a', startMs), team: 'beta' },
      ]);
      expect(await stores.secrets.lastUses('acme', ['tok_2'])).toEqual([new Map()]);
      expect(await stores.secrets.lastUses('beta', ['tok_1'])).toEqual([new Map()]);
    });

    it('are written in any number', async () => {
      const many = Array.from({ length: 450 }, () => use('tgk_a', startMs));
      await stores.secrets.noteUses([...many, use('tgk_b', startMs)]);
      expect((await stores.secrets.lastUses('acme', ['tok_1']))[0]?.size).toBe(2);
      expect(await stores.secrets.lastUses('acme', [])).toEqual([]);
    });
  });

  describe('rotations by the holder', () => {
    it('are bounded an hour, from the first one on, for each token by itself', async () => {
      const count = (id = 'tok_1') => stores.secrets.countRotation({ kind: 'token', team: 'acme', id }, 2);
      const freeAtMs = startMs + hourMs;
      expect(await count()).toEqual({ ok: true, freeAtMs, nowMs: startMs });
      await stores.turnTo(startMs + 10_000);
      expect((await count()).ok).toBe(true);
      expect(await count()).toEqual({ ok: false, freeAtMs, nowMs: startMs + 10_000 });
      expect((await count('tok_2')).ok).toBe(true);
      await stores.turnTo(freeAtMs - 1);
      expect((await count()).ok).toBe(false);
      await stores.turnTo(freeAtMs);
      expect(await count()).toEqual({ ok: true, freeAtMs: freeAtMs + hourMs, nowMs: freeAtMs });
    });
  });
}
