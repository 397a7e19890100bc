import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  credentialOf,
  hashToken,
  inspectToken,
  mintSessionToken,
  mintToken,
  randomBase62,
} from '../../../../src/identity/records/token-text.ts';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const aToken = fc
  .constantFrom(
    () => mintToken('user').text,
    () => mintToken('admin').text,
    () => mintSessionToken(1_800_000_000_000).text,
  )
  .map((mint) => mint());

describe('mintToken', () => {
  it.each([
    ['user', /^tgk_[0-9A-Za-z]{44}$/],
    ['admin', /^tga_[0-9A-Za-z]{44}$/],
  ] as const)('makes a token of the kind %s', (kind, shape) => {
    const { text, secretHash, prefix } = mintToken(kind);
    expect(text).toMatch(shape);
    expect(inspectToken(text)).toEqual({ ok: true, kind });
    expect(secretHash).toBe(hashToken(text));
    expect(prefix).toBe(text.slice(0, 12));
  });

  it('never makes the same one twice', () => {
    const texts = Array.from({ length: 1_000 }, () => mintToken('user').text);
    expect(new Set(texts).size).toBe(1_000);
  });
});

describe('a session token', () => {
  it('names the session and when it expires, and is long enough to be unguessable beside', () => {
    const { text, secretHash, id } = mintSessionToken(1_800_000_000_999);
    expect(text).toMatch(/^tgs_[0-9A-Za-z]{62}$/);
    expect(inspectToken(text)).toEqual({ ok: true, kind: 'session' });
    expect(credentialOf(text)).toEqual({ secretHash, session: { id, expiresAtMs: 1_800_000_000_000 } });
    expect(id).toMatch(/^ses_[0-9A-Za-z]{12}$/);
  });

  it('gives back every expiry that it was made with', () => {
    fc.assert(
      fc.property(fc.nat(62 ** 6 - 1), (seconds) => {
        expect(credentialOf(mintSessionToken(seconds * 1000).text).session?.expiresAtMs).toBe(seconds * 1000);
      }),
    );
  });

  it('is told from a user token, which names nothing', () => {
    const { text, secretHash } = mintToken('user');
    expect(credentialOf(text)).toEqual({ secretHash, session: null });
  });
});

describe('inspectToken', () => {
  it('finds every single character that was changed', () => {
    fc.assert(
      fc.property(
        aToken,
        fc.nat(),
        fc.constantFrom(...base62.split(''), '_', '-', ' ', 'ä'),
        (text, at, other) => {
          const index = at % text.length;
          fc.pre(text[index] !== other);
          expect(inspectToken(text.slice(0, index) + other + text.slice(index + 1)).ok).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('finds every two characters that changed places', () => {
    fc.assert(
      fc.property(aToken, fc.nat(), fc.nat(), (text, a, b) => {
        const characters = text.split('');
        const [i, j] = [a % text.length, b % text.length];
        fc.pre(characters[i] !== characters[j]);
        [characters[i], characters[j]] = [characters[j] ?? '', characters[i] ?? ''];
        expect(inspectToken(characters.join('')).ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds characters lost at the end, and added there', () => {
    fc.assert(
      fc.property(aToken, fc.integer({ min: 1, max: 47 }), (text, lost) => {
        expect(inspectToken(text.slice(0, -lost)).ok).toBe(false);
        expect(inspectToken(text + text.slice(-lost)).ok).toBe(false);
      }),
    );
  });

  it('takes no other text for a token', () => {
    fc.assert(fc.property(fc.string(), (text) => !inspectToken(text).ok));
    expect(inspectToken(`tgk_${'0'.repeat(44)}`).ok).toBe(false);
    expect(inspectToken(`tgk_${'a'.repeat(1_000_000)}`).ok).toBe(false);
    expect(inspectToken(`${mintToken('user').text}\n`).ok).toBe(false);
  });
});

describe('what docs/security.md tells scanners', () => {
  const page = readFileSync(new URL('../../../../docs/security.md', import.meta.url), 'utf8');
  const [, form = ''] = /^(\\btg.*\\b)$/m.exec(page) ?? [];
  const found = (text: string): string[] => text.match(new RegExp(form, 'g')) ?? [];

  it('finds every token, whole, wherever it stands', () => {
    const session = mintSessionToken(1_900_000_000_000);
    for (const { text } of [mintToken('user'), mintToken('admin'), session]) {
      expect(found(`KEY="${text}"`)).toEqual([text]);
      expect(found(`${text}a`)).toEqual([]);
    }
  });

  it('has examples with their checksums', () => {
    const rows = [...page.matchAll(/^\| `(tg[ksa]_\w+)` \| `(\w{8})` \| `(\w{6})` \|$/gm)];
    expect(rows.map(([, text = '']) => text.slice(0, 4))).toEqual(['tgk_', 'tga_', 'tgs_']);
    for (const [, text = '', crc, checksum = ''] of rows) {
      expect(found(text)).toEqual([text]);
      expect(inspectToken(text).ok).toBe(true);
      expect(text.endsWith(checksum)).toBe(true);
      expect(crc32(text.slice(0, -6)).toString(16).padStart(8, '0')).toBe(crc);
    }
  });
});

describe('hashToken', () => {
  it('is SHA-256 in base64url', () => {
    expect(hashToken('tgk_x')).toBe(createHash('sha256').update('tgk_x').digest('base64url'));
  });
});

describe('randomBase62', () => {
  it('has the length asked for', () => {
    expect(randomBase62(0)).toBe('');
    expect(randomBase62(1_000)).toMatch(/^[0-9A-Za-z]{1000}$/);
  });

  it('has no favourite characters', () => {
    const counts = new Map<string, number>();
    for (const character of randomBase62(62_000)) counts.set(character, (counts.get(character) ?? 0) + 1);
    // 1000 each, standard deviation 31: a bias of the modulo (4/256 for eight characters) would be 1211.
    expect([...counts.values()].every((count) => count > 820 && count < 1_180)).toBe(true);
    expect(counts.size).toBe(62);
  });
});
