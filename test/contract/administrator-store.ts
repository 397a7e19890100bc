import { beforeEach, describe, expect, it } from 'vitest';
import type { Administrator } from '../../src/identity/records/administrator.ts';
import type { AdministratorStore } from '../../src/identity/store/administrator-store.ts';

export const secretHash = 'a'.repeat(43);
const otherHash = 'b'.repeat(43);

export function administratorNamed(id: string, more: Partial<Administrator> = {}): Administrator {
  return {
    id,
    name: null,
    role: 'auditor',
    teams: null,
    prefix: 'tga_12345678',
    expires_at: null,
    created_at: '2026-01-31T12:00:00.000Z',
    ...more,
  };
}

/** What every store of administrators does. `make` gives an empty one. */
export function administratorStoreContract(make: () => Promise<AdministratorStore>): void {
  let store: AdministratorStore;
  const first = administratorNamed('adm_1', {
    role: 'team-admin',
    teams: ['acme', 'beta'],
    name: 'Ünï "q" 😀',
  });

  beforeEach(async () => {
    store = await make();
  });

  async function behind(hash: string): Promise<Administrator | null> {
    return (await store.resolve(hash)).administrator;
  }

  describe('create', () => {
    it('stores an administrator and binds the hash of the secret', async () => {
      expect(await store.create(first, secretHash)).toBe('created');
      expect(await store.read('adm_1')).toEqual(first);
      expect(await behind(secretHash)).toEqual(first);
    });

    it('refuses an id that is taken, and leaves all as it is', async () => {
      await store.create(first, secretHash);
      expect(await store.create(administratorNamed('adm_1'), otherHash)).toBe('exists');
      expect(await store.read('adm_1')).toEqual(first);
      expect(await behind(otherHash)).toBeNull();
    });

    it('refuses a secret that is bound already', async () => {
      await store.create(first, secretHash);
      expect(await store.create(administratorNamed('adm_2'), secretHash)).toBe('exists');
      expect(await store.read('adm_2')).toBeNull();
      expect(await behind(secretHash)).toEqual(first);
    });

    it('keeps what it was given, whatever becomes of that', async () => {
      const teams = ['acme'];
      await store.create(administratorNamed('adm_1', { teams }), secretHash);
      teams.push('beta');
      expect((await behind(secretHash))?.teams).toEqual(['acme']);
      (await store.read('adm_1'))?.teams?.push('beta');
      expect((await behind(secretHash))?.teams).toEqual(['acme']);
    });
  });

  describe('resolve', () => {
    it('tells the clock, also where nobody has the secret', async () => {
      const { administrator, nowMs } = await store.resolve(secretHash);
      expect(administrator).toBeNull();
      expect(Number.isSafeInteger(nowMs)).toBe(true);
      expect(Math.abs(nowMs - Date.now())).toBeLessThan(60_000);
    });

    it('takes the whole hash and nothing else for a secret', async () => {
      await store.create(first, secretHash);
      for (const wrong of ['', 'adm_1', secretHash.slice(1), `${secretHash}a`, otherHash]) {
        expect(await behind(wrong)).toBeNull();
      }
    });

    it('still gives one that has expired', async () => {
      const expires_at = '2026-01-31T12:00:00.000Z';
      await store.create(administratorNamed('adm_1', { expires_at }), secretHash);
      expect((await behind(secretHash))?.expires_at).toBe(expires_at);
    });
  });

  it('lists all in the order of their ids', async () => {
    expect(await store.list()).toEqual([]);
    await store.create(administratorNamed('adm_b'), secretHash);
    await store.create(administratorNamed('adm_a'), otherHash);
    expect((await store.list()).map(({ id }) => id)).toEqual(['adm_a', 'adm_b']);
  });

  it('reads null where there is none', async () => {
    expect(await store.read('adm_1')).toBeNull();
    expect(await store.read('')).toBeNull();
  });

  describe('delete', () => {
    it('removes an administrator and its secret, and leaves others alone', async () => {
      await store.create(first, secretHash);
      await store.create(administratorNamed('adm_2'), otherHash);
      expect(await store.delete('adm_1')).toBe(true);
      expect(await behind(secretHash)).toBeNull();
      expect(await store.read('adm_1')).toBeNull();
      expect((await store.list()).map(({ id }) => id)).toEqual(['adm_2']);
      expect((await behind(otherHash))?.id).toBe('adm_2');
    });

    it('is false where there is none', async () => {
      await store.create(first, secretHash);
      expect(await store.delete('adm_2')).toBe(false);
      expect(await store.delete(secretHash)).toBe(false);
      expect(await store.delete('')).toBe(false);
      expect(await behind(secretHash)).toEqual(first);
    });
  });
}
