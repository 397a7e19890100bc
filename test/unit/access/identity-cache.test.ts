import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdentityCache } from '../../../src/access/identity-cache.ts';
import { makePrincipal } from '../../../src/access/principal.ts';
import type { Principal } from '../../../src/identity/records/identity.ts';
import { credentialFor, identityOf, sessionOf } from './identities.ts';

function principal(secretHash: string): Principal {
  return makePrincipal(identityOf(), credentialFor(secretHash));
}

describe('IdentityCache', () => {
  it('gives back what it was given, and the newest of it', () => {
    const cache = new IdentityCache({ maxEntries: 10 });
    const [first, second] = [principal('a'), principal('a')];
    cache.set(first);
    expect(cache.get('a')).toBe(first);
    cache.set(second);
    expect(cache.get('a')).toBe(second);
    expect(cache.get('b')).toBeUndefined();
  });

  it('forgets what is deleted, however old it is', () => {
    const cache = new IdentityCache({ maxEntries: 4 });
    for (const hash of ['a', 'b', 'c']) cache.set(principal(hash));
    cache.delete('a');
    cache.delete('c');
    expect(['a', 'b', 'c'].map((hash) => cache.get(hash)?.credential.secretHash)).toEqual([
      undefined,
      'b',
      undefined,
    ]);
  });

  it('keeps what is used while others come and go', () => {
    const cache = new IdentityCache({ maxEntries: 10 });
    cache.set(principal('used'));
    for (let n = 0; n < 1_000; n += 1) {
      cache.set(principal(`${n}`));
      expect(cache.get('used')?.credential.secretHash).toBe('used');
    }
  });

  it('never holds more than its bound, nor an older principal than the last one set', () => {
    const steps = fc.array(
      fc.tuple(fc.constantFrom('set', 'get', 'delete'), fc.integer({ min: 0, max: 20 })),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const cache = new IdentityCache({ maxEntries: 8 });
        const last = new Map<string, Principal>();
        for (const [step, n] of list) {
          const hash = `${n}`;
          if (step === 'set') last.set(hash, principal(hash));
          if (step === 'delete') last.delete(hash);
          if (step === 'set') cache.set(last.get(hash) ?? principal(hash));
          if (step === 'delete') cache.delete(hash);
          const got = cache.get(hash);
          expect(got === undefined || got === last.get(hash)).toBe(true);
          expect(cache.size).toBeLessThanOrEqual(9);
        }
      }),
    );
  });
});

describe('a cache of sessions', () => {
  it('holds fewer of those that have much pinned', () => {
    const cache = new IdentityCache({ maxEntries: 200 });
    for (let n = 0; n < 100; n += 1) {
      const fields = { model: 'm', messages: 'x'.repeat(20_000) };
      const pinned = { endpoint: '/v1/chat/completions', fields, allow: [] };
      cache.set(makePrincipal(identityOf({ session: sessionOf({ pinned }) }), credentialFor(`hash ${n}`)));
    }
    expect(cache.size).toBeLessThanOrEqual(10);
    expect(cache.get('hash 99')).toBeDefined();
  });
});
