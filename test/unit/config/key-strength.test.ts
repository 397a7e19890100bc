import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isGuessable } from '../../../src/config/key-strength.ts';
import { randomBase62 } from '../../../src/identity/records/token-text.ts';

describe('a key that can be guessed', () => {
  it.each([
    'a'.repeat(40),
    'ab'.repeat(20),
    'deadbeef'.repeat(4),
    'aaaaaaaabbbbbbbbccccccccdddddddd',
    '11112222333344445555666677778888',
    '00000000-0000-0000-0000-000000000000',
    '12345678-1234-1234-1234-123456789abc',
    '01234567890123456789012345678901',
    '0123456789abcdef0123456789abcdef',
    'AbCdEfGhIjKlMnOpQrStUvWxYz123456',
    'zyxwvutsrqponmlkjihgfedcba987654',
    'a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6',
    'qwertyuiopasdfghjklzxcvbnm123456',
    'Admin123!Admin123!Admin123!Admin123!',
    'tollgate-tollgate-tollgate-tollgate',
    'changeme-in-production-please-now-ok',
    'CHANGE_ME_BEFORE_YOU_DEPLOY_THIS_APP',
    'replace-this-by-openssl-rand-base64-32',
    'this-is-my-very-long-password-of-2026',
    'put-your-admin-key-here-before-start',
  ])('is %s', (key) => {
    expect(isGuessable(key)).toBe(true);
  });

  it('is no random one', () => {
    for (let n = 0; n < 500; n += 1) {
      const keys = [
        randomBytes(16).toString('hex'),
        randomBytes(16).toString('hex').toUpperCase(),
        randomUUID(),
        randomBase62(32),
        randomBytes(32).toString('base64'),
        randomBytes(128).toString('base64url'),
      ];
      for (const key of keys) expect(isGuessable(key), key).toBe(false);
    }
  });

  it('is looked for in bounded time', () => {
    expect(isGuessable('k'.repeat(100_000))).toBe(true);
  });
});
