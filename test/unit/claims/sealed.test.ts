import { describe, expect, it } from 'vitest';
import { hashOf, isCode, newCode, seal, unseal } from '../../../src/claims/sealed.ts';

describe('what is sealed', () => {
  it('is opened by its code', () => {
    const code = newCode();
    expect(unseal(code, seal(code, 'tgk_Ünïcode "quoted"'))).toBe('tgk_Ünïcode "quoted"');
    expect(unseal(code, seal(code, ''))).toBe('');
  });

  it('is opened by no other code, and not where it was changed or cut', () => {
    const code = newCode();
    const sealed = seal(code, 'a secret');
    expect(() => unseal(newCode(), sealed)).toThrow();
    expect(() => unseal(code, sealed.slice(0, -4))).toThrow();
    expect(() => unseal(code, '')).toThrow();
    const bytes = Buffer.from(sealed, 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => unseal(code, changed.toString('base64url'))).toThrow();
    }
  });

  it('shows neither text nor code, and never the same twice', () => {
    const code = newCode();
    const sealed = seal(code, 'a secret');
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('a secret');
    expect(sealed).not.toContain(code);
    expect(seal(code, 'a secret')).not.toBe(sealed);
  });
});

describe('a code', () => {
  it('has 160 random bits, and is told from other texts', () => {
    const codes = new Set(Array.from({ length: 1_000 }, newCode));
    expect(codes.size).toBe(1_000);
    for (const code of codes) expect(isCode(code)).toBe(true);
    for (const text of ['', 'a', 'a'.repeat(39), 'a'.repeat(41), 'g'.repeat(40), `${'a'.repeat(40)}\n`]) {
      expect(isCode(text)).toBe(false);
    }
  });

  it('is known by a hash that is not the key', () => {
    const code = newCode();
    const sealed = seal(code, 'a secret');
    expect(() => unseal(hashOf(code), sealed)).toThrow();
    expect(hashOf(code)).toHaveLength(43);
  });
});
