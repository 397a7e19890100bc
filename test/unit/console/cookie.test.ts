import { describe, expect, it } from 'vitest';
import { cookieOf, newSecret, noCookie, secretIn } from '../../../src/console/cookie.ts';

describe("the console's cookie", () => {
  it('holds 256 random bits, and is for this host, https and same-site requests only, unseen by script', () => {
    const secret = newSecret();
    expect(secret.text).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(newSecret().text).not.toBe(secret.text);
    expect(cookieOf(secret, 5_999)).toBe(
      `__Host-tollgate=${secret.text}; Max-Age=5; Path=/; Secure; HttpOnly; SameSite=Strict`,
    );
    expect(noCookie).toBe('__Host-tollgate=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict');
  });

  it('is found among others by its exact name', () => {
    const secret = newSecret();
    expect(secretIn(`a=b; __Host-tollgate=${secret.text}; c=d`)).toEqual(secret);
    expect(secret.hash).not.toContain(secret.text);
    for (const header of [
      undefined,
      '',
      `tollgate=${secret.text}`,
      `__Secure-tollgate=${secret.text}`,
      `__host-tollgate=${secret.text}`,
      '__Host-tollgate=short',
      `__Host-tollgate=${secret.text}x`,
    ]) {
      expect(secretIn(header), String(header)).toBeNull();
    }
  });

  // Browsers take the first two from any host: to them, the name does not begin with `__Host-`.
  it.each(['\u00A0', '\u0085', '\u00C2\u00A0', '\uFEFF', '=', '"'])(
    'is not one that a sibling host may set: %j before its name',
    (planted) => {
      const [own, foreign] = [newSecret(), newSecret()];
      const pair = `${planted}__Host-tollgate=${foreign.text}`;
      expect(secretIn(pair)).toBeNull();
      expect(secretIn(`${pair}; __Host-tollgate=${own.text}`)).toEqual(own);
    },
  );

  it('does not count if there are two of them: no browser has two', () => {
    const [own, foreign] = [newSecret(), newSecret()];
    expect(secretIn(`__Host-tollgate=${foreign.text}; __Host-tollgate=${own.text}`)).toBeNull();
  });
});
