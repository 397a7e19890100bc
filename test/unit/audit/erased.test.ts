import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../../src/audit/canonical.ts';
import { entryResponse, linkOf, noHead, type Head } from '../../../src/audit/chain.ts';
import { ChainCheck } from '../../../src/audit/chain-check.ts';
import { erasedText, isInRanges, rangesOf, tokensIn } from '../../../src/audit/erased.ts';
import type { AuditedChange } from '../../../src/audit/audited-change.ts';
import type { JsonObject } from '../../../src/base/request.ts';

const person = { team: 'acme', user: 'ana', tokens: new Set(['tok_a']), pseudonym: 'erased-1' };

const user: AuditedChange = {
  operation: 'user.create',
  kind: 'user',
  team: 'acme',
  id: 'ana',
  before: null,
  after: { id: 'ana', team: 'acme', name: 'Ana Example', email: 'ana@example.com', limits: [] },
};
const token: AuditedChange = {
  operation: 'token.issue',
  kind: 'token',
  team: 'acme',
  id: 'tok_a',
  before: null,
  after: { id: 'tok_a', user: 'ana', name: "Ana's phone", prefix: 'tgk_12345678' },
};
const others: AuditedChange = { ...user, id: 'bob', after: { id: 'bob', name: 'Bob', email: null } };
const renamed: AuditedChange = {
  ...token,
  operation: 'token.change',
  before: { name: "Ana's phone" },
  after: { name: 'phone' },
};
const imported: AuditedChange = {
  operation: 'import.write',
  kind: 'import',
  team: null,
  id: null,
  before: null,
  after: { written: 2, records: [{ ...user }, { ...others }] },
};

const context = { actor: 'root', address: '203.0.113.9', requestId: 'r' };

function textOf(change: AuditedChange, actor = 'root'): string {
  return linkOf(noHead, { change, context: { ...context, actor }, nowMs: 1_770_000_000_000 }).text;
}

describe('the text of an entry that a person was erased from', () => {
  it.each([
    ['the user', user],
    ['a token of theirs', token],
    ['a change of that token', renamed],
    ['an import with them in it', imported],
  ])('names nobody: %s', (_, change) => {
    const erased = erasedText(textOf(change), person);
    expect(erased).not.toMatch(/Ana|ana/);
    expect(JSON.parse(erased ?? '')).toMatchObject({ erased: true, operation: change.operation });
  });

  it('keeps what concerns others', () => {
    expect(erasedText(textOf(others), person)).toBeNull();
    expect(erasedText(textOf({ ...user, team: 'other' }), person)).toBeNull();
    expect(erasedText(textOf(imported), person)).toContain('Bob');
  });

  it('loses the address that the person sent from', () => {
    const own = { ...others, operation: 'token.rotate' };
    expect(JSON.parse(erasedText(textOf(own, 'tok_a'), person) ?? '')).toMatchObject({ address: null });
  });

  it('loses the address at which their token was found', () => {
    const found = { ...context, reportedUrl: 'https://example.com/ana/dotfiles' };
    const textFound = (change: AuditedChange): string =>
      linkOf(noHead, { change, context: found, nowMs: 0 }).text;
    const revoked: AuditedChange = { ...token, operation: 'token.revoke', before: {}, after: {} };
    const ended: AuditedChange = {
      ...revoked,
      operation: 'session.end',
      kind: 'session',
      id: 'ses_1',
      before: { token: 'tok_a', user: 'ana' },
      after: null,
    };
    for (const change of [revoked, ended]) {
      const text = erasedText(textFound(change), person) ?? '';
      expect(JSON.parse(text)).toMatchObject({ reported_url: null, erased: true });
      expect(text).not.toContain('/ana');
    }
    expect(erasedText(textFound(others), person)).toBeNull();
  });

  it('is the same when the person is erased again', () => {
    const once = erasedText(textOf(user), person) ?? '';
    expect(erasedText(once, person)).toBeNull();
  });

  it('tells which tokens are theirs', () => {
    expect(tokensIn(textOf(token), person)).toEqual(['tok_a']);
    expect(tokensIn(textOf(others), person)).toEqual([]);
  });
});

describe('numbers as ranges', () => {
  it('have each number, and no other', () => {
    expect(rangesOf([12, 3, 4, 5, 4])).toBe('3-5,12');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 })), (numbers) => {
        const ranges = rangesOf(numbers);
        for (let n = 1; n <= 60; n += 1) expect(isInRanges(ranges, n)).toBe(numbers.includes(n));
      }),
    );
  });
});

describe('checking a trail that a person was erased from', () => {
  /** Entries of these changes, oldest first, those with these numbers erased. */
  function trail(changes: readonly AuditedChange[], erased: readonly number[]): JsonObject[] {
    let head: Head = noHead;
    return changes.map((change, n) => {
      const link = linkOf(head, { change, context, nowMs: 1_770_000_000_000 + n });
      ({ head } = link);
      const text = erased.includes(n + 1) ? (erasedText(link.text, person) ?? link.text) : link.text;
      return { ...entryResponse(text, link.head.hash) };
    });
  }

  const erasing = (sequences: string): AuditedChange => ({
    operation: 'user.erase',
    kind: 'user',
    team: 'acme',
    id: person.pseudonym,
    before: null,
    after: { erased: sequences },
  });

  function verdict(oldestFirst: readonly JsonObject[]) {
    const check = new ChainCheck();
    for (const entry of oldestFirst.toReversed()) check.older(entry);
    return check.end();
  }

  it('finds it intact if an entry of the erasure names all', () => {
    const entries = trail([user, others, token, erasing('1,3')], [1, 3]);
    expect(verdict(entries)).toMatchObject({ entries: 4, erased: 2, flaw: null });
  });

  it('finds one that no erasure names', () => {
    const entries = trail([user, others, token, erasing('1')], [1, 3]);
    expect(verdict(entries).flaw).toMatchObject({ sequence: 3, kind: 'altered' });
  });

  it('finds an erased one whose hash was changed, and one next to it', () => {
    const entries = trail([user, others, token, erasing('1,3')], [1, 3]);
    expect(verdict(entries.with(0, { ...entries[0], hash: 'f'.repeat(64) })).flaw).toMatchObject({
      sequence: 2,
    });
    expect(verdict(entries.with(1, { ...entries[1], actor: 'x' })).flaw).toMatchObject({ sequence: 2 });
    expect(verdict(entries.toSpliced(2, 1)).flaw).toMatchObject({ sequence: 3 });
  });

  it('is not fooled by a mark in an entry of its own text', () => {
    const marked = JSON.parse(canonical({ ...JSON.parse(textOf(others)), erased: true })) as JsonObject;
    const entries = trail([user, others, token], []);
    expect(
      verdict(entries.with(1, { ...marked, sequence: 2, hash: entries[1]?.['hash'] ?? '' })).flaw,
    ).toMatchObject({
      sequence: 2,
      kind: 'altered',
    });
  });
});
