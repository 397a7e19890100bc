import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChainCheck, type Verdict } from '../../../src/audit/chain-check.ts';
import { canonical } from '../../../src/audit/canonical.ts';
import { linkOf, noHead, entryResponse } from '../../../src/audit/chain.ts';
import type { JsonObject } from '../../../src/base/request.ts';

/** A chain of so many entries, oldest first, as the admin API shows them. */
function chain(count: number, name = 'team'): JsonObject[] {
  const entries: JsonObject[] = [];
  let head = noHead;
  for (let n = 1; n <= count; n += 1) {
    const link = linkOf(head, {
      change: {
        operation: 'team.create',
        kind: 'team',
        team: `${name}-${n}`,
        id: `${name}-${n}`,
        before: null,
        after: { id: `${name}-${n}`, limits: [] },
      },
      context: { actor: 'root', address: null, requestId: `request-${n}` },
      nowMs: 1_770_000_000_000 + n,
    });
    head = link.head;
    entries.push({ ...entryResponse(link.text, head.hash) });
  }
  return entries;
}

function check(oldestFirst: readonly JsonObject[], heads?: ReadonlyMap<number, string>): Verdict {
  const made = new ChainCheck(heads);
  for (const entry of oldestFirst.toReversed()) made.older(entry);
  return made.end();
}

function headsOf(entries: readonly JsonObject[]): Map<number, string> {
  return new Map(entries.map(({ sequence, hash }) => [Number(sequence), hash as string]));
}

const flawOf = (...of: Parameters<typeof check>): string | null => {
  const { flaw } = check(...of);
  return flaw && `${flaw.sequence} ${flaw.kind}`;
};

describe('checking a trail', () => {
  const good = chain(8);

  it('finds an untouched one intact, with the heads of the log and without', () => {
    const head = { sequence: 8, hash: good[7]?.['hash'] };
    expect(check(good)).toEqual({ entries: 8, erased: 0, heads: 0, head, flaw: null });
    expect(check(good, headsOf(good))).toEqual({ entries: 8, erased: 0, heads: 8, head, flaw: null });
    expect(check([])).toEqual({ entries: 0, erased: 0, heads: 0, head: null, flaw: null });
  });

  it('names an entry that was altered', () => {
    expect(flawOf(good.with(3, { ...good[3], actor: 'adm_other' }))).toBe('4 altered');
    expect(flawOf(good.with(0, { ...good[0], after: null }))).toBe('1 altered');
    expect(flawOf(good.with(7, { ...good[7], time: '2020-01-01T00:00:00.000Z' }))).toBe('8 altered');
  });

  it('names an entry that cannot be read', () => {
    expect(flawOf(good.with(3, { unreadable: true, hash: good[3]?.['hash'] ?? '' }))).toBe('4 altered');
  });

  it('names an entry that was taken out', () => {
    expect(flawOf(good.toSpliced(3, 1))).toBe('4 dropped');
    expect(flawOf(good.toSpliced(2, 3))).toBe('3 dropped');
    expect(flawOf(good.slice(1))).toBe('1 dropped');
  });

  it('names the first of those that stand in another order', () => {
    const swapped = (a: number, b: number): JsonObject[] =>
      good.with(a, good[b] ?? {}).with(b, good[a] ?? {});
    expect(flawOf(swapped(2, 3))).toBe('3 reordered');
    expect(flawOf(swapped(1, 5))).toBe('2 reordered');
    expect(flawOf(swapped(6, 7))).toBe('7 reordered');
    expect(flawOf(swapped(0, 7))).toBe('1 reordered');
  });

  it('names the lowest where several are wrong', () => {
    const twice = good.with(6, { ...good[6], actor: 'x' }).with(2, { ...good[2], actor: 'x' });
    expect(flawOf(twice)).toBe('3 altered');
  });

  it('knows by the heads of a log that the newest are gone, all of them too', () => {
    expect(flawOf(good.slice(0, 5))).toBeNull();
    expect(flawOf(good.slice(0, 5), headsOf(good))).toBe('6 dropped');
    expect(flawOf([], headsOf(good.slice(0, 1)))).toBe('1 dropped');
  });

  it('knows by the heads of a log that a chain was written anew', () => {
    const anew = [...good.slice(0, 3), ...chain(8, 'forged').slice(3)];
    expect(flawOf(chain(8, 'forged'))).toBeNull();
    expect(flawOf(chain(8, 'forged'), headsOf(good.slice(4)))).toBe('5 altered');
    expect(flawOf(anew, headsOf(good))).toBe('4 altered');
  });

  it('says nothing against heads that are older, or not all there', () => {
    expect(check(good, headsOf(good.slice(1, 3)))).toMatchObject({ heads: 2, flaw: null });
  });
});

describe('any chain', () => {
  const one = fc.record({
    text: fc.string(),
    number: fc.double({ noNaN: true }),
    list: fc.array(fc.jsonValue()),
  });

  it('is hashed from a text that does not depend on the order of names, and survives JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        // What JSON can carry, as jsonValue makes it.
        const object = JSON.parse(JSON.stringify(value)) as JsonObject;
        const turned = Object.fromEntries(Object.entries(object).toReversed());
        expect(canonical(turned)).toBe(canonical(object));
        expect(canonical(JSON.parse(canonical(object)) as JsonObject)).toBe(canonical(object));
      }),
    );
  });

  it('is intact as it was made, and any one thing done to it is named at its place', () => {
    const doing = fc.record({
      count: fc.integer({ min: 3, max: 30 }),
      at: fc.nat(),
      to: fc.nat(),
      how: fc.constantFrom('alter', 'rehash', 'drop', 'swap', 'repeat', 'truncate'),
      planted: one,
    });
    fc.assert(
      fc.property(doing, ({ count, at: atAny, to: toAny, how, planted }) => {
        const good = chain(count);
        const heads = headsOf(good);
        expect(flawOf(good, heads)).toBeNull();
        const at = atAny % count;
        const to = toAny % count;
        const [entry, other] = [good[at] ?? {}, good[to] ?? {}];
        const first = Math.min(at, to) + 1;
        const expected = {
          alter: `${at + 1} altered`,
          rehash: `${at + 1} altered`,
          drop: `${at + 1} dropped`,
          swap: at === to ? null : `${first} reordered`,
          repeat: `${at + 1} reordered`,
          truncate: `${at + 1} dropped`,
        };
        const tampered = {
          alter: () => good.with(at, { ...entry, after: JSON.parse(JSON.stringify(planted)) as JsonObject }),
          rehash: () => good.with(at, { ...entry, hash: '0'.repeat(64) }),
          drop: () => good.toSpliced(at, 1),
          swap: () => good.with(at, other).with(to, entry),
          repeat: () => good.toSpliced(at, 0, entry),
          truncate: () => good.slice(0, at),
        };
        expect(flawOf(tampered[how](), heads)).toBe(expected[how]);
      }),
    );
  });
});
