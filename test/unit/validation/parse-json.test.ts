import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactNumber, exactNumbers } from '../../../src/base/exact-number.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject, JsonValue } from '../../../src/base/request.ts';
import { parseJson, parseLargeJson } from '../../../src/validation/parse-json.ts';
import { anyCharacter } from '../../support/any-character.ts';
import { growth, linear } from '../../support/growth.ts';

function parse(text: string): JsonObject | Refusal {
  return parseJson(Buffer.from(text));
}

function refusal(text: string | Buffer): Refusal {
  const result = parseJson(Buffer.from(text));
  if (!(result instanceof Refusal)) throw new Error('accepted');
  return result;
}

function nested(levels: number): string {
  return `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
}

describe('what is no JSON object', () => {
  it.each([
    ['an empty body', ''],
    ['a byte order mark alone', '\u{feff}'],
    ['white space alone', '  \n'],
    ['a form', 'model=x&messages=y'],
    ['an unclosed object', '{"model":"x"'],
    ['a trailing comma', '{"model":"x",}'],
    ['two objects', '{}{}'],
    ['NaN', '{"a":NaN}'],
    ['Infinity', '{"a":-Infinity}'],
    ['a raw line break in a string', '{"a":"\n"}'],
  ])('%s is invalid JSON', (_name, text) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_json', status: 400 });
  });

  it.each(['[]', '"text"', '1', 'null', 'true'])('%s is JSON, but no object', (text) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_body', status: 400 });
  });

  it('is never quoted in the answer', () => {
    expect(refusal('{"prompt": my secret plan}').message).not.toContain('secret');
  });

  it('is located', () => {
    expect(refusal('{"a":1,}').message).toContain('position 7');
  });
});

describe('the encoding', () => {
  it.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut-off sequence', [0x22, 0xe2, 0x82, 0x22]],
  ])('with %s is refused', (_name, value) => {
    const body = Buffer.concat([Buffer.from('{"a":'), Buffer.from(value), Buffer.from('}')]);
    expect(refusal(body)).toMatchObject({ code: 'invalid_json' });
    expect(refusal(body).message).toContain('UTF-8');
  });

  it('may begin with a byte order mark', () => {
    expect(parse('\u{feff}{"a":"ü漢🎈"}')).toEqual({ a: 'ü漢🎈' });
  });
});

describe('nesting', () => {
  it('is accepted to 64 levels', () => {
    expect(parse(nested(64))).toBeTypeOf('object');
    expect(parse(nested(64))).not.toBeInstanceOf(Refusal);
  });

  it('is refused from 65', () => {
    expect(refusal(nested(65))).toMatchObject({ code: 'invalid_body' });
    expect(refusal(nested(65)).message).toContain('64 levels');
  });

  it('counts levels, not brackets, and none in strings', () => {
    expect(parse(`{"a":[${'[],'.repeat(1_000)}[]]}`)).not.toBeInstanceOf(Refusal);
    expect(parse(JSON.stringify({ a: '['.repeat(1_000), b: `\\"${'{'.repeat(100)}` }))).not.toBeInstanceOf(
      Refusal,
    );
  });

  it('is told from brackets in long strings with quotes in them', () => {
    const texts = [
      `${'x'.repeat(200)}"${'['.repeat(100)}`,
      `${'x'.repeat(200)}\\`,
      '"'.repeat(200),
      '\\'.repeat(201),
    ];
    for (const text of texts)
      expect(parse(JSON.stringify({ [text]: text, b: text }))).toEqual({ [text]: text, b: text });
    expect(refusal(`{"a":${JSON.stringify(texts)},"b":${nested(64)}}`).message).toContain('64 levels');
  });

  it.each([
    ['unclosed arrays', (mb: number) => '['.repeat(mb * 1_000_000)],
    ['unclosed objects', (mb: number) => '{"a":'.repeat(mb * 200_000)],
    ['many empty objects', (mb: number) => `{"a":[${'{},'.repeat(mb * 300_000)}{}]}`],
    ['many numbers', (mb: number) => `{"a":[${'1,'.repeat(mb * 500_000)}1]}`],
  ])('holds nobody up: megabytes of %s are refused in linear time', (_name, textOf) => {
    const refusing = (amount: number) => {
      const body = Buffer.from(textOf(amount));
      return () => parseJson(body);
    };
    expect(refusing(8)()).toMatchObject({ code: 'invalid_body' });
    expect(growth(refusing)).toBeLessThan(linear);
  });
});

describe('the number of values', () => {
  // One object, one array, and 49,997 commas make 49,999.
  it('is accepted to 50,000', () => {
    expect(parse(`{"a":[${'1,'.repeat(49_998)}1]}`)).not.toBeInstanceOf(Refusal);
  });

  it('is refused beyond', () => {
    expect(refusal(`{"a":[${'1,'.repeat(49_999)}1]}`)).toMatchObject({ code: 'invalid_body' });
  });
});

describe('numbers', () => {
  it.each([
    '2512292042121000001',
    '123456789012.123456789',
    '1e400',
    '-1E-400',
    '1.0',
    '-0',
    '-0.0',
    '0e0',
    '1E5',
    '1e+5',
    '0.1000',
    '0.0000001',
    '0.70000000000000001',
    '9007199254740993',
    '-9000000000000001',
    '9'.repeat(40),
    '9000000000000000.0',
    '1'.repeat(5_000),
  ])('%s keeps the digits it came with', (number) => {
    expect(JSON.stringify(parse(`{"a":[${number},{"b":${number}}],"c": ${number} }`))).toBe(
      `{"a":[${number},{"b":${number}}],"c":${number}}`,
    );
  });

  it.each(['0', '-1', '0.7', '-0.5', '100', '9007199254740991', '9000000000000000', '1e+300', '1e-7'])(
    '%s is a plain number',
    (number) => {
      expect(parse(`{"a":[${number}]}`)).toEqual({ a: [Number(number)] });
    },
  );

  it('in strings are text', () => {
    expect(parse('{"a":"9007199254740993 1e999","1.0":1.0,"b":"1.0"}')).toEqual({
      a: '9007199254740993 1e999',
      '1.0': new ExactNumber('1.0'),
      b: '1.0',
    });
  });

  it.each([
    ['a name', '{1.0:2}', 1],
    ['a name before white space', '{1e5 :2}', 1],
    ['two signs', '{"a":--1.0}', 6],
    ['a first zero', '{"a":01.0}', 6],
    ['a point at the end', '{"a":10000000000000000.}', 23],
    ['no exponent', '{"a":1e}', 7],
    ['two in a row', '{"a":1.0 2.0}', 9],
    ['letters', '{"a":1.0e}', 9],
  ])('as %s are no JSON', (_name, text, position) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_json' });
    expect(refusal(text).message).toContain(`position ${position})`);
  });

  it('of every kind, between any others and texts, come out as they went in', () => {
    const digits = fc.stringMatching(/^\d{0,25}$/);
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.oneof(
          fc.constant('0'),
          digits.map((rest) => `1${rest}`),
          digits.map((rest) => `9${rest}`),
        ),
        fc.oneof(
          fc.constant(''),
          digits.filter(Boolean).map((rest) => `.${rest}`),
        ),
        fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][+-]?\d{1,4}$/)),
      )
      .map((parts) => parts.join(''));
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        number,
        fc.string({ unit: anyCharacter }).map((text) => JSON.stringify(text)),
        fc.array(tie('tree'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
        fc
          .uniqueArray(fc.tuple(fc.stringMatching(/^[a-zü漢.]{1,4}$/), tie('tree')), {
            maxLength: 4,
            selector: ([name]) => name,
          })
          .map((fields) => `{${fields.map(([name, value]) => `"${name}":${value}`).join(',')}}`),
      ),
    }));
    fc.assert(
      fc.property(tree, (inner) => {
        const text = `{"a":${inner}}`;
        expect(JSON.stringify(parse(text))).toBe(text);
        expect(JSON.stringify(JSON.parse(text, exactNumbers))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keep their digits in a large body as in a small one', async () => {
    const text = `{"a":"${'ü'.repeat(1_048_570)}","b":[1.0,2512292042121000001]}`;
    expect(JSON.stringify(await parseLargeJson(Buffer.from(text)))).toBe(text);
    const numbers = Array.from({ length: 20_000 }, (_, i) => `${i}.0,1${i}000000000000000${i}`);
    const list = `{"a":[${numbers.join(',')}],"b":"${'x'.repeat(1_048_576)}"}`;
    expect(JSON.stringify(await parseLargeJson(Buffer.from(list)))).toBe(list);
  });

  it('are put back in linear time', () => {
    const parsing = (amount: number) => {
      const body = Buffer.from(`{"a":[${'1.0,'.repeat(amount * 5_000)}1]}`);
      return () => parseJson(body);
    };
    expect(growth(parsing)).toBeLessThan(linear);
  });
});

describe('__proto__', () => {
  it.each([
    '"__proto__"',
    String.raw`"\u005f_proto__"`,
    String.raw`"__pr\u006Fto__"`,
    String.raw`"__\u0070roto__"`,
  ])('as the key %s is refused, by name', (key) => {
    expect(refusal(`{"a":[{${key}:{"x":1}}]}`).details).toMatchObject({ param: 'a.0.__proto__' });
  });

  it('as text is accepted', () => {
    expect(parse('{"a":"say __proto__","b":"\\u005f"}')).toEqual({ a: 'say __proto__', b: '_' });
  });
});

it('takes the last of duplicate keys, as what is sent on says', () => {
  const value = parse('{"model":"a","model":"b"}');
  expect(JSON.stringify(value)).toBe('{"model":"b"}');
});

describe('half of a surrogate pair', () => {
  const refusalOf = (json: string): unknown => (parse(json) as Refusal).details.param;

  it.each([
    ['{"a":{"b":["x","\\ud83d"]}}', 'a.b.1'],
    ['{"a":"\\uDE00 alone"}', 'a'],
    ['{"a":"\\ude00\\ud83d"}', 'a'],
    ['{"\\ud800":1}', '\ufffd'],
  ])('in %s is refused and named', (json, param) => {
    expect(refusalOf(json)).toBe(param);
  });

  it('is none where the pair is whole', () => {
    expect(parse('{"a":"\\ud83d\\ude00","b":"\\\\ud83d"}')).toEqual({ a: '\u{1f600}', b: '\\ud83d' });
  });
});

describe('the quick look over the text', () => {
  it('decides as walking every value would', () => {
    const number = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(2 ** 53, 2 ** 53 - 1, -(2 ** 53), 1e300, 0.1234567890123456),
    );
    const key = fc.oneof(fc.string({ unit: anyCharacter }), fc.constantFrom('__proto__', 'a', '"', '\\'));
    const text = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 300 }),
      fc.constantFrom('\\', '\\"', '['.repeat(99)),
    );
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        number,
        text,
        fc.constantFrom(null, true),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((entries) => new Map(entries)),
      ),
    }));
    const root = fc.tuple(fc.nat(70), fc.boolean(), tree).map(([levels, escapeAll, inner]) => ({
      text: `{"a":${'['.repeat(levels)}${written(inner, escapeAll)}${']'.repeat(levels)}}`,
    }));
    fc.assert(
      fc.property(root, ({ text: json }) => {
        expect(parse(json) instanceof Refusal).toBe(!isSafe(JSON.parse(json) as JsonValue, 64));
      }),
      { numRuns: 2_000 },
    );
  });

  it('agrees with JSON.parse about everything else', () => {
    const text = fc.oneof(
      fc.string({
        unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', 'a', ' '),
        maxLength: 20,
      }),
      fc.json(),
    );
    fc.assert(
      fc.property(text, (inner) => {
        const json = `{"a":${inner}}`;
        const result = parse(json);
        if (result instanceof Refusal && result.code === 'invalid_json')
          expect(() => JSON.parse(json) as unknown).toThrow();
        if (!(result instanceof Refusal)) expect(result).toEqual(JSON.parse(json, exactNumbers));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** A map stands for an object, so that `__proto__` can be one of its keys. */
type Tree = number | string | boolean | null | Tree[] | Map<string, Tree>;

/** Writes a tree as JSON, optionally with every character of its strings escaped. */
function written(tree: Tree, escapeAll: boolean): string {
  if (typeof tree === 'string') return escapeAll ? `"${escaped(tree)}"` : JSON.stringify(tree);
  if (Array.isArray(tree)) return `[${tree.map((item) => written(item, escapeAll)).join(',')}]`;
  if (!(tree instanceof Map)) return JSON.stringify(tree);
  const fields = [...tree].map(([key, value]) => `${written(key, escapeAll)}:${written(value, escapeAll)}`);
  return `{${fields.join(',')}}`;
}

function escaped(text: string): string {
  return Array.from(
    { length: text.length },
    (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
}

/** The reference: looks at every value, recursively. */
function isSafe(value: JsonValue, levels: number): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (levels === 0) return false;
  return Object.entries(value).every(([key, child]) => key !== '__proto__' && isSafe(child, levels - 1));
}
