import { beforeEach, describe, expect, it } from 'vitest';
import { actorCheck, type ActorCheck } from '../../../src/access/actor-check.ts';
import { Authenticator } from '../../../src/access/authenticator.ts';
import { AdministratorStore } from '../../../src/identity/store/administrator-store.ts';
import { IdentityStore } from '../../../src/identity/store/identity-store.ts';
import { AuthThrottle } from '../../../src/access/auth-throttle.ts';
import type { Sender } from '../../../src/base/client-address.ts';
import { mintToken } from '../../../src/identity/records/token-text.ts';
import type { Administrator } from '../../../src/identity/records/administrator.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import { embeddedStore, testKeys } from '../../support/embedded-store.ts';
import { identityOf } from './identities.ts';

const adminKey = 'root-key,with=odd/characters;0123456789';
const startMs = Date.UTC(2026, 0, 31);
let nowMs: number;
const clock = { now: () => nowMs, monotonic: () => nowMs };
let identities: IdentityStore;
let administrators: AdministratorStore;
let check: ActorCheck;

beforeEach(() => {
  nowMs = startMs;
  const store = embeddedStore(() => nowMs);
  identities = new IdentityStore(store, testKeys);
  administrators = new AdministratorStore(store, testKeys);
  check = checkWith(null);
});

function checkWith(throttle: AuthThrottle | null): ActorCheck {
  const authenticator = new Authenticator({ identities, clock });
  return actorCheck({ adminKey, administrators, authenticator, throttle });
}

async function userToken(revoked_at: string | null = null): Promise<string> {
  const { team, user, token } = identityOf({ token: { revoked_at } });
  await identities.create({ kind: 'team', team: 'acme' }, JSON.stringify(team));
  await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, JSON.stringify(user));
  const { text, secretHash } = mintToken('user');
  const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
  await identities.create(key, JSON.stringify(token), { secretHash, user: 'ana' });
  return text;
}

async function administratorToken(given: Partial<Administrator> = {}): Promise<string> {
  const { text, secretHash, prefix } = mintToken('admin');
  const record: Administrator = {
    id: 'adm_1',
    name: null,
    role: 'auditor',
    teams: null,
    prefix,
    expires_at: null,
    created_at: '2026-01-01T00:00:00.000Z',
    ...given,
  };
  await administrators.create(record, secretHash);
  return text;
}

describe('actorCheck', () => {
  it('admits the key', async () => {
    expect(await check({ authorization: `Bearer ${adminKey}` })).toEqual({ kind: 'root', key: 'current' });
    expect(await check({ authorization: `bearer ${adminKey}` })).toEqual({ kind: 'root', key: 'current' });
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
    if (!(refusal instanceof Refusal)) throw new Error('It was taken for the key.');
    expect(JSON.stringify(refusal.body(null))).not.toContain(adminKey.slice(0, 10));
  });

  it('takes the key as x-api-key too, as tokens may be sent', async () => {
    expect(await check({ 'x-api-key': adminKey })).toEqual({ kind: 'root', key: 'current' });
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

  it("says whose an administrator's token is", async () => {
    const all = await administratorToken();
    const one = await administratorToken({ id: 'adm_2', role: 'team-admin', teams: ['acme'] });
    expect(await check({ authorization: `Bearer ${all}` })).toEqual({
      kind: 'administrator',
      id: 'adm_1',
      role: 'auditor',
      teams: null,
    });
    expect(await check({ 'x-api-key': one })).toEqual({
      kind: 'administrator',
      id: 'adm_2',
      role: 'team-admin',
      teams: ['acme'],
    });
  });

  it("refuses an administrator's token that is unknown, deleted, expired or mistyped", async () => {
    const ask = (text: string): Promise<unknown> => check({ authorization: `Bearer ${text}` });
    expect(await ask(mintToken('admin').text)).toMatchObject({ code: 'invalid_token' });

    const expires_at = new Date(startMs + 60_000).toISOString();
    const text = await administratorToken({ expires_at });
    nowMs = startMs + 59_999;
    expect(await ask(text)).toMatchObject({ kind: 'administrator' });
    nowMs = startMs + 60_000;
    expect(await ask(text)).toMatchObject({ code: 'expired_token', status: 401 });

    const another = await administratorToken({ id: 'adm_2' });
    await administrators.delete('adm_2');
    expect(await ask(another)).toMatchObject({ code: 'invalid_token', status: 401 });
    const mistyped = expect.stringMatching(/mistyped or cut off/) as string;
    expect(await ask(text.slice(0, -1))).toMatchObject({ code: 'invalid_token', message: mistyped });
  });

  it('takes the key before as that, and tells', async () => {
    const told: Sender[] = [];
    const authenticator = new Authenticator({ identities, clock });
    const previous = actorCheck({
      adminKey,
      previousAdminKey: 'the key before',
      onPreviousKey: (sender) => void told.push(sender),
      administrators,
      authenticator,
    });
    expect(await previous({ 'x-api-key': adminKey }, '192.0.2.1')).toEqual({ kind: 'root', key: 'current' });
    expect(told).toEqual([]);
    const before = { 'x-api-key': 'the key before' };
    expect(await previous(before, '192.0.2.1')).toEqual({ kind: 'root', key: 'previous' });
    expect(told).toEqual([{ forwardedFor: undefined, peer: '192.0.2.1' }]);
    expect(await check(before)).toMatchObject({ code: 'invalid_token' });
  });

  it("counts refused administrators' tokens by address as it counts keys", async () => {
    const good = await administratorToken();
    const guarded = checkWith(new AuthThrottle({ perMinute: 3, clock, onDyno: true }));
    const ask = (text: string, address: string): Promise<unknown> =>
      guarded({ authorization: `Bearer ${text}`, 'x-forwarded-for': address });
    expect(await ask(good, '203.0.113.1')).toMatchObject({ kind: 'administrator' });
    for (let tries = 0; tries < 3; tries += 1) {
      expect(await ask(mintToken('admin').text, '203.0.113.1')).toMatchObject({ code: 'invalid_token' });
    }
    expect(await ask(good, '203.0.113.1')).toMatchObject({ code: 'rate_limit_exceeded' });
    expect(await ask(good, '203.0.113.2')).toMatchObject({ kind: 'administrator' });
    nowMs += 60_000;
    expect(await ask(good, '203.0.113.1')).toMatchObject({ kind: 'administrator' });
  });
});
