import { beforeEach, describe, expect, it } from 'vitest';
import { adminKeyCheck, type AdminKeyCheck } from '../../../src/auth/admin-key.ts';
import { Authenticator } from '../../../src/auth/authenticator.ts';
import { MemoryIdentityStore } from '../../../src/auth/memory-identity-store.ts';
import { mintToken } from '../../../src/auth/token-text.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { identityOf } from './identities.ts';

const adminKey = 'root-key,with=odd/characters;0123456789';
let identities: MemoryIdentityStore;
let check: AdminKeyCheck;

beforeEach(() => {
  identities = new MemoryIdentityStore(systemClock);
  check = adminKeyCheck(adminKey, new Authenticator({ identities, clock: systemClock }));
});

async function userToken(revoked_at: string | null = null): Promise<string> {
  const { team, user, token } = identityOf({ token: { revoked_at } });
  await identities.create({ kind: 'team', team: 'acme' }, JSON.stringify(team));
  await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(user));
  const { text, secretHash } = mintToken('user');
  const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
  await identities.create(key, JSON.stringify(token), { secretHash, user: 'ana' });
  return text;
}

describe('adminKeyCheck', () => {
  it('admits the key', async () => {
    expect(await check({ authorization: `Bearer ${adminKey}` })).toBeNull();
    expect(await check({ authorization: `bearer ${adminKey}` })).toBeNull();
  });

  it.each([
    ['nothing', {}, 'missing_token'],
    ['another key', { authorization: `Bearer ${'x'.repeat(adminKey.length)}` }, 'invalid_token'],
    ['the beginning of the key', { authorization: `Bearer ${adminKey.slice(0, -1)}` }, 'invalid_token'],
    ['more than the key', { authorization: `Bearer ${adminKey}x` }, 'invalid_token'],
    ['an empty credential', { authorization: 'Bearer ' }, 'invalid_token'],
    ['the key without Bearer', { authorization: adminKey }, 'invalid_token'],
    ['another key as x-api-key', { 'x-api-key': `${adminKey}x` }, 'invalid_token'],
    [
      'another x-api-key beside it',
      { authorization: `Bearer ${adminKey}`, 'x-api-key': 'x' },
      'invalid_token',
    ],
  ])('refuses %s', async (_, headers, code) => {
    const refusal = await check(headers);
    expect(refusal).toMatchObject({ code, status: 401 });
    expect(JSON.stringify(refusal?.body(null))).not.toContain(adminKey.slice(0, 10));
  });

  it('takes the key as x-api-key too, as tokens may be sent', async () => {
    expect(await check({ 'x-api-key': adminKey })).toBeNull();
  });

  it('tells a user that a token has the wrong role', async () => {
    const text = await userToken();
    const wrongRole = { code: 'role_not_allowed', status: 403 };
    expect(await check({ authorization: `Bearer ${text}` })).toMatchObject(wrongRole);
    expect(await check({ 'x-api-key': text })).toMatchObject(wrongRole);
  });

  it('refuses a token that is unknown or revoked as such', async () => {
    const unknown = mintToken('user').text;
    expect(await check({ authorization: `Bearer ${unknown}` })).toMatchObject({ code: 'invalid_token' });
    const revoked = await userToken('2026-01-01T00:00:00.000Z');
    expect(await check({ authorization: `Bearer ${revoked}` })).toMatchObject({ code: 'revoked_token' });
  });
});
