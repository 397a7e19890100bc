import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextScan } from '../../../src/validation/json-text.ts';

const bounds = { maxDepth: 64, maxValues: 50_000 };

function scanOf(text: string, parts: readonly number[] = []): TextScan {
  const bytes = Buffer.from(text);
  const scan = new TextScan(bytes, bounds);
  for (const end of parts) scan.readTo(Math.min(end, bytes.length));
  scan.readTo(bytes.length);
  return scan;
}

/** What a string may be made of, as it stands in a text. */
const token = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('\\\\', '\\"', '\\n', 'a', ':', ',', '[', '{', 'ü', '/', 'u') },
  { weight: 2, arbitrary: fc.string({ unit: fc.constantFrom('a', ' ', '}', ','), maxLength: 80 }) },
  { weight: 1, arbitrary: fc.constantFrom('\\u0041', '\\/') },
);
const raw = fc.array(token, { maxLength: 60 });
const isOdd = (part: string): boolean => part === '\\u0041' || part === '\\/';

describe('a look over a text', () => {
  it('knows strings from what is between them, and their escapes, in as many parts as it is read', () => {
    const cuts = fc.array(fc.nat(2_000), { maxLength: 4 }).map((ends) => ends.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(fc.array(raw, { minLength: 1, maxLength: 6 }), cuts, (strings, parts) => {
        const text = `{${strings.map((string, n) => `"k${n}":["${string.join('')}"]`).join(',')}}`;
        JSON.parse(text);
        const { fields, values, depth, hasBlanks, hasOddEscape } = scanOf(text, parts);
        expect({ fields, values, depth, hasBlanks }).toEqual({
          fields: strings.length,
          values: strings.length * 2,
          depth: 2,
          hasBlanks: false,
        });
        expect(hasOddEscape).toBe(strings.flat().some(isOdd));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not look for odd escapes where that could take long', () => {
    expect(scanOf(`{"a":"${'\\\\'.repeat(3_000)}"}`)).toMatchObject({ hasOddEscape: null, fields: 1 });
    expect(scanOf(`{"a":"${'a'.repeat(1_100_000)}\\/"}`)).toMatchObject({ hasOddEscape: null, fields: 1 });
  });

  it('ends with the text if a string does not', () => {
    for (const end of ['', '\\', '\\"', 'a'.repeat(40), `${'a'.repeat(40)}\\`, `${'a'.repeat(40)}\\"`]) {
      expect(scanOf(`{"a":"${end}`)).toMatchObject({ fields: 1, depth: 1 });
    }
  });
});
