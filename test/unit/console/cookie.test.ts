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
});
