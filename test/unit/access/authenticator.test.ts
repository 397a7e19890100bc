import { beforeEach, describe, expect, it } from 'vitest';
import { AuthThrottle } from '../../../src/access/auth-throttle.ts';
import { Authenticator, type Authenticated } from '../../../src/access/authenticator.ts';
import { IdentityStore } from '../../../src/identity/store/identity-store.ts';
import { mintToken } from '../../../src/identity/records/token-text.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { Credential, Resolution, Token } from '../../../src/identity/records/identity.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { embeddedStore, testKeys } from '../../support/embedded-store.ts';
import { credentialFor, identityOf } from './identities.ts';

let nowMs: number;
let lookups: number;
let identities: IdentityStore;
let authenticator: Authenticator;
let afterLookup: () => Promise<void>;
const clock: Clock = { now: () => nowMs, monotonic: () => nowMs };

/** The store, counting and holding up lookups. */
function watched(store: IdentityStore): IdentityStore {
  return new Proxy(store, {
    get(target, name) {
      if (name !== 'resolve') return Reflect.get(target, name);
      return async (credential: Credential): Promise<Resolution> => {
        lookups += 1;
        const hold = afterLookup;
        const found = await target.resolve(credential);
        await hold();
        return found;
      };
    },
  });
}

beforeEach(() => {
  nowMs = Date.UTC(2026, 1, 1);
  lookups = 0;
  afterLookup = () => Promise.resolve();
  identities = new IdentityStore(
    embeddedStore(() => nowMs),
    testKeys,
  );
  authenticator = new Authenticator({ identities: watched(identities), clock });
});

async function issue(more: Partial<Token> = {}): Promise<{ text: string; secretHash: string }> {
  const { team, user, token } = identityOf({ token: more });
  await identities.create({ kind: 'team', team: 'acme' }, JSON.stringify(team));
  await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(user));
  const { text, secretHash } = mintToken('user');
  const key = { kind: 'token', team: 'acme', id: token.id } as const;
  await identities.create(key, JSON.stringify(token), { secretHash, user: 'ana' });
  return { text, secretHash };
}

async function change(more: Partial<Token>): Promise<void> {
  const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
  const text = (await identities.read(key)) ?? '';
  await identities.replace(key, text, JSON.stringify({ ...(JSON.parse(text) as Token), ...more }));
}

function bearer(text: string): { authorization: string } {
  return { authorization: `Bearer ${text}` };
}

function admitted(result: Authenticated | Refusal | Promise<unknown>): Authenticated {
  if (result instanceof Promise || result instanceof Refusal) throw new Error('Not admitted at once.');
  return result;
}

describe('authenticate', () => {
  it('asks the store the first time, and answers at once from then on', async () => {
    const { text, secretHash } = await issue();
    const first = await authenticator.authenticate(bearer(text), {});
    expect(first).toMatchObject({ fresh: true, principal: { credential: { secretHash } } });
    const second = admitted(authenticator.authenticate(bearer(text), {}));
    expect(second).toMatchObject({ fresh: false, principal: { credential: { secretHash } } });
    expect(lookups).toBe(1);
  });

  it('refuses what is no credential at once, without the store', () => {
    expect(authenticator.authenticate({}, {})).toMatchObject({ code: 'missing_token' });
    expect(authenticator.authenticate(bearer('tgk_wrong'), {})).toMatchObject({ code: 'invalid_token' });
    expect(lookups).toBe(0);
  });

  it('refuses an unknown token, and asks again the next time', async () => {
    const { text } = mintToken('user');
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ code: 'invalid_token' });
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ code: 'invalid_token' });
    expect(lookups).toBe(2);
  });

  it.each([
    ['revoked_token', { revoked_at: '2026-01-15T00:00:00.000Z' }],
    ['expired_token', { expires_at: '2026-01-15T00:00:00.000Z' }],
  ] as const)('refuses with %s, and never caches that', async (code, more) => {
    const { text } = await issue(more);
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ code });
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ code });
    expect(lookups).toBe(2);
    await change({ revoked_at: null, expires_at: null });
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ fresh: true });
  });

  it('asks the store again once the cached token seems expired', async () => {
    const { text } = await issue({ expires_at: '2026-02-01T00:00:10.000Z' });
    await authenticator.authenticate(bearer(text), {});
    nowMs += 9_999;
    expect(admitted(authenticator.authenticate(bearer(text), {})).fresh).toBe(false);
    nowMs += 1;
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ code: 'expired_token' });
    await change({ expires_at: '2026-03-01T00:00:00.000Z' });
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ fresh: true });
  });

  it('asks the store once for a burst, whose later ones do not count as fresh', async () => {
    const { text } = await issue();
    const results = await Promise.all(
      Array.from({ length: 50 }, async () => authenticator.authenticate(bearer(text), {})),
    );
    expect(lookups).toBe(1);
    expect(results.map((result) => result instanceof Refusal || result.fresh)).toEqual([
      true,
      ...Array.from({ length: 49 }, () => false),
    ]);
  });

  it('does not take a burst on a good token for tries', async () => {
    const { text } = await issue();
    const throttle = new AuthThrottle({ perMinute: 2, clock, onDyno: false });
    const guarded = new Authenticator({ identities: watched(identities), clock, throttle });
    const results = await Promise.all(
      Array.from({ length: 500 }, async () =>
        guarded.authenticate(bearer(text), { remoteAddress: '192.0.2.1' }),
      ),
    );
    expect(results.filter((result) => result instanceof Refusal)).toEqual([]);
    expect(lookups).toBe(1);
  });

  it('does not let a request be refused by a lookup that began before it', async () => {
    const { text, secretHash } = mintToken('user');
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    afterLookup = () => held;
    const early = authenticator.authenticate(bearer(text), {});
    afterLookup = () => Promise.resolve();

    await issue();
    const key = { kind: 'token', team: 'acme', id: 'tok_2' } as const;
    await identities.create(key, JSON.stringify(identityOf({ token: { id: 'tok_2' } }).token), {
      secretHash,
      user: 'ana',
    });
    const late = authenticator.authenticate(bearer(text), {});
    release();
    expect(await early).toMatchObject({ code: 'invalid_token' });
    expect(await late).toMatchObject({ fresh: true, principal: { identity: { token: { id: 'tok_2' } } } });
  });

  it('keeps the token of a socket apart from the next one on it', async () => {
    const { text } = await issue();
    const socket = {};
    await authenticator.authenticate(bearer(text), socket);
    expect(authenticator.authenticate(bearer('tgk_wrong'), socket)).toMatchObject({ code: 'invalid_token' });
    expect(authenticator.authenticate({}, socket)).toMatchObject({ code: 'missing_token' });
    const both = { ...bearer(text), 'x-api-key': mintToken('user').text };
    expect(authenticator.authenticate(both, socket)).toMatchObject({ code: 'invalid_token' });
    expect(admitted(authenticator.authenticate(bearer(text), socket)).principal.identity.token.id).toBe(
      'tok_1',
    );
    const other = await authenticator.authenticate(bearer(mintToken('user').text), socket);
    expect(other).toMatchObject({ code: 'invalid_token' });
  });

  it('lets a failure of the store through, and asks again after it', async () => {
    const { text } = await issue();
    afterLookup = () => Promise.reject(new StoreUnavailable('down'));
    await expect(authenticator.authenticate(bearer(text), {})).rejects.toBeInstanceOf(StoreUnavailable);
    afterLookup = () => Promise.resolve();
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ fresh: true });
  });
});

describe('refresh', () => {
  it('always asks the store', async () => {
    const { text, secretHash } = await issue();
    await authenticator.authenticate(bearer(text), {});
    await change({ models: ['m'] });
    expect(admitted(authenticator.authenticate(bearer(text), {})).principal.identity.token.models).toBeNull();
    expect(await authenticator.refresh(credentialFor(secretHash))).toMatchObject({
      fresh: true,
      principal: { identity: { token: { models: ['m'] } } },
    });
    expect(admitted(authenticator.authenticate(bearer(text), {})).principal.identity.token.models).toEqual([
      'm',
    ]);
  });

  it('takes a revoked token out of the cache', async () => {
    const { text, secretHash } = await issue();
    await authenticator.authenticate(bearer(text), {});
    await change({ revoked_at: '2026-02-01T00:00:00.000Z' });
    expect(await authenticator.refresh(credentialFor(secretHash))).toMatchObject({ code: 'revoked_token' });
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ code: 'revoked_token' });
  });

  it('takes a deleted token out of the cache', async () => {
    const { text, secretHash } = await issue();
    await authenticator.authenticate(bearer(text), {});
    await identities.deleteTeam('acme');
    expect(await authenticator.refresh(credentialFor(secretHash))).toMatchObject({ code: 'invalid_token' });
    expect(await authenticator.authenticate(bearer(text), {})).toMatchObject({ code: 'invalid_token' });
  });
});
