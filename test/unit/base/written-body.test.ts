import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { written, writtenWith } from '../../../src/base/written-body.ts';
import { parseJson } from '../../../src/validation/parse-json.ts';
import { anyCharacter } from '../../support/any-character.ts';

function parsed(bytes: Buffer): JsonObject {
  const value = parseJson(bytes);
  if (value instanceof Refusal) throw new Error(value.message);
  return value;
}

function withFields(fields: string): Buffer {
  return Buffer.from(`{${fields}}`);
}

describe('a body', () => {
  it.each([
    ['of texts', '"a":"ü漢🎈\u2028\u007f","b":["","\\"\\\\\\b\\f\\n\\r\\t"]'],
    ['of numbers', '"a":[0,-1,0.5,123456789012345],"b":{"c":null,"d":[true,false,{}]}'],
  ])('%s that would be written as it came is sent on as it came', (_name, fields) => {
    const bytes = withFields(fields);
    expect(written(parsed(bytes))).toBe(bytes);
  });

  it.each([
    ['a blank', '"a": 1'],
    ['a line end', '"a":1\n'],
    ['a carriage return', '"a":\r1'],
    ['a tab', '"a":[\t]'],
    ['a number with a last zero', '"a":1.0'],
    ['a long number', '"a":12345678901234567890'],
    ['an escaped slash', '"a":"\\/"'],
    ['an escaped letter', '"a":"\\u0041"'],
    ['an escaped letter in a name', '"\\u0061":1'],
    ['an escaped control character in capitals', '"a":"\\u001F"'],
    ['a name twice', '"a":1,"a":2'],
    ['a name twice, further in', '"a":[{"b":{"c":1,"c":1}}]'],
    ['a name twice, escaped once', '"a":1,"\\u0061":2'],
    ['a number for a name', '"a":{"b":1,"1":2}'],
  ])('with %s is written again', (_name, fields) => {
    const bytes = withFields(fields);
    const value = parsed(bytes);
    expect(written(value)).not.toBe(bytes);
    expect(written(value).toString()).toBe(JSON.stringify(value));
  });

  it('is written again once anything in it is replaced', () => {
    const value = parsed(withFields('"a":1'));
    expect(written({ ...value, a: 2 }).toString()).toBe(JSON.stringify({ ...value, a: 2 }));
  });

  it('of any text is sent on in the bytes that JSON.stringify gives', () => {
    const name = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 3 }),
      fc.constantFrom('a', 'b', '', '0', '1', '10', '01', '-1', '1a', 'toJSON', 'constructor'),
    );
    const text = fc
      .oneof(fc.string({ unit: anyCharacter, maxLength: 40 }), fc.constantFrom('"', '\\', '\\u', '/', '\n'))
      .map((each) => JSON.stringify(each));
    const odd = fc.constantFrom('"\\/"', '"\\u00e9"', '"\\u001F"', '"\\u001f"', '"\\\\u0041"', '"\\\\\\""');
    const number = fc.oneof(
      fc.constantFrom('1.0', '-0', '1e5', '1E400', '0.0000001', '0.000001', '9007199254740993'),
      fc.stringMatching(/^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,9})?$/),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => JSON.stringify(each)),
    );
    const blank = fc.oneof(
      { weight: 40, arbitrary: fc.constant('') },
      fc.constantFrom(' ', '\n', '\r', '\t'),
    );
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        number,
        text,
        odd,
        fc.constantFrom('null', 'true'),
        fc
          .tuple(fc.array(tie('tree'), { maxLength: 4 }), blank)
          .map(([items, by]) => `[${items.join(`,${by}`)}]`),
        fc
          .tuple(fc.array(fc.tuple(name, tie('tree')), { maxLength: 4 }), blank)
          .map(
            ([fields, by]) =>
              `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${by}${value}`).join(',')}}`,
          ),
      ),
    }));
    const seen = { asItCame: 0, again: 0 };
    fc.assert(
      fc.property(tree, (inner) => {
        const bytes = withFields(`"a":${inner}`);
        const value = parseJson(bytes);
        if (value instanceof Refusal) return;
        seen[written(value) === bytes ? 'asItCame' : 'again'] += 1;
        expect(written(value).toString()).toBe(JSON.stringify(value));
      }),
      { numRuns: 1_000 },
    );
    expect(seen.asItCame).toBeGreaterThan(50);
    expect(seen.again).toBeGreaterThan(50);
  });
});

it('takes a number more as JSON.stringify would', () => {
  const body = { model: 'm', 'a"b': 'ü' };
  expect(writtenWith(written(body), 'max_tokens', 7).toString()).toBe(
    JSON.stringify({ ...body, max_tokens: 7 }),
  );
});
