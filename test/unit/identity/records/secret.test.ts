import { describe, expect, it } from 'vitest';
import { checkToken } from '../../../../src/access/policy.ts';
import { makePrincipal } from '../../../../src/access/principal.ts';
import type { Token } from '../../../../src/identity/records/identity.ts';
import { prefixOf, secretEndMs, secretsOf } from '../../../../src/identity/records/secret.ts';
import { credentialFor, identityOf, sessionOf } from '../../access/identities.ts';

const created_at = '2026-01-01T00:00:00.000Z';
const endsMs = Date.UTC(2026, 5, 1);
const secrets = [
  { hash: 'new', prefix: 'tgk_new', created_at, expires_at: null },
  { hash: 'old', prefix: 'tgk_old', created_at, expires_at: new Date(endsMs).toISOString() },
];
const rotated: Partial<Token> = { prefix: 'tgk_new', secrets };

describe('the end of a secret', () => {
  it('is never, of a token that was not rotated, of the newest, and of a session', () => {
    expect(secretEndMs(identityOf(), credentialFor('a'))).toBe(Infinity);
    const token = identityOf({ token: rotated });
    expect(secretEndMs(token, credentialFor('new'))).toBe(Infinity);
    const session = identityOf({ token: rotated, session: sessionOf() });
    expect(secretEndMs(session, credentialFor('of the session'))).toBe(Infinity);
  });

  it('is that of the overlap, of the one before, and long ago, of an older one', () => {
    const identity = identityOf({ token: rotated });
    expect(secretEndMs(identity, credentialFor('old'))).toBe(endsMs);
    expect(secretEndMs(identity, credentialFor('oldest'))).toBe(0);
  });

  it('is what a principal expires by, where the token does not before', () => {
    const expiryOf = (hash: string, token: Partial<Token>): number =>
      makePrincipal(identityOf({ token: { ...rotated, ...token } }), credentialFor(hash)).expiresAtMs;
    expect(expiryOf('old', {})).toBe(endsMs);
    expect(expiryOf('new', {})).toBe(Infinity);
    expect(expiryOf('old', { expires_at: '2026-03-01T00:00:00.000Z' })).toBe(Date.UTC(2026, 2, 1));
    expect(expiryOf('old', { expires_at: '2026-09-01T00:00:00.000Z' })).toBe(endsMs);
  });
});

describe('the refusal', () => {
  const refusal = (hash: string, token: Partial<Token>, nowMs: number): string | null => {
    const principal = makePrincipal(identityOf({ token: { ...rotated, ...token } }), credentialFor(hash));
    const found = checkToken(principal, nowMs);
    return found && `${found.code}: ${found.message}`;
  };

  it('of an old secret begins at its end, and says that the token was rotated', () => {
    expect(refusal('old', {}, endsMs - 1)).toBeNull();
    expect(refusal('old', {}, endsMs)).toMatch(/^expired_token: .*rotated.* 2026-06-01T00:00:00.000Z/);
    expect(refusal('oldest', {}, 1)).toMatch(/^expired_token: .*rotated.* has ended/);
    expect(refusal('new', {}, endsMs)).toBeNull();
  });

  it('of a token that has expired, or was revoked, says that instead', () => {
    const expired = { expires_at: '2026-03-01T00:00:00.000Z' };
    expect(refusal('old', expired, endsMs)).toMatch(/^expired_token: This token expired at 2026-03-01/);
    expect(refusal('old', { revoked_at: created_at }, endsMs)).toMatch(/^revoked_token/);
  });
});

describe('what is shown of secrets', () => {
  it('has no hash; of a token that nobody holds there is none', () => {
    expect(secretsOf(identityOf({ token: rotated }).token)).toEqual(
      secrets.map(({ hash: _hash, ...rest }) => rest),
    );
    const { token } = identityOf();
    expect(secretsOf(token)).toEqual([
      { prefix: token.prefix, created_at: token.created_at, expires_at: null },
    ]);
    expect(secretsOf({ ...token, prefix: '' })).toEqual([]);
  });

  it('tells them apart by their prefix', () => {
    const identity = identityOf({ token: rotated });
    expect(prefixOf(identity, credentialFor('old'))).toBe('tgk_old');
    expect(prefixOf(identity, credentialFor('new'))).toBe('tgk_new');
    expect(prefixOf(identityOf(), credentialFor('a'))).toBe('tgk_12345678');
  });
});
