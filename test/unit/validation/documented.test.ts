import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ExactNumber } from '../../../src/base/exact-number.ts';
import type { JsonObject, JsonValue } from '../../../src/base/request.ts';
import { documented, isPlain, respelled } from '../../../src/validation/documented.ts';
import {
  anything,
  model,
  optionalFlag,
  optionalInteger,
  requiredText,
} from '../../../src/validation/fields.ts';
import { Findings } from '../../../src/validation/findings.ts';

const level = documented({ max_tokens: z.unknown(), stream: z.unknown(), k: z.unknown() });

describe('respelled', () => {
  it.each([
    ['Max_Tokens', 'max_tokens'],
    ['STREAM', 'stream'],
    ['K', 'k'],
    // Letters that other parsers fold to these.
    ['\u{17f}tream', 'stream'],
    ['\u{212a}', 'k'],
    // What a reader may trim, drop or bring into another form.
    ['stream ', 'stream'],
    ['\tstream\u00a0', 'stream'],
    ['stream\u0000', 'stream'],
    ['\u0000stream', 'stream'],
    ['stream\u0000and more', 'stream'],
    ['\uff53tream', 'stream'],
    ['\uff2d\uff21\uff38_tokens', 'max_tokens'],
    ['max\uff3ftokens', 'max_tokens'],
    ['str\u200beam', 'stream'],
    ['\ufeffstream', 'stream'],
    ['st\u00adream\u2060', 'stream'],
    ['\u202estream', 'stream'],
    ['\ud835\udc58', 'k'],
    [`k${'\u200b'.repeat(1_000)}`, 'k'],
  ])('finds that %j is %s', (key, name) => {
    expect(respelled(level, key)).toBe(name);
  });

  it.each([
    'maxTokens',
    '',
    'other',
    'max tokens',
    '\u0000',
    'stre am',
    'streám',
    'k\u0301',
    '\uff53'.repeat(500),
  ])('finds nothing in the unknown name %j', (key) => {
    expect(respelled(level, key)).toBeUndefined();
  });
});

describe('an object that is plain', () => {
  const checked = documented({
    model,
    text: requiredText,
    n: optionalInteger(1),
    stream: optionalFlag,
    free: anything,
  });
  /** Never says that an object is plain, so that everything goes to the schema. */
  const bySchema = { ...checked, required: -1 };

  it('has nothing wrong by its schema, and nothing that is changed in it', () => {
    const name = fc.constantFrom(
      'model',
      'text',
      'n',
      'stream',
      'free',
      'more',
      'Stream',
      'text ',
      'constructor',
    );
    const value = fc.constantFrom<JsonValue[]>(
      'm',
      'two words',
      '',
      1,
      1.5,
      0,
      -0,
      2 ** 53,
      true,
      null,
      [],
      { Text: 1 },
      ...['1.0', '0.5', '9007199254740993', '-0'].map((text) => new ExactNumber(text)),
    );
    const usual = fc.constant<JsonObject>({ model: 'm', text: '' });
    const object = fc
      .tuple(usual, fc.uniqueArray(fc.tuple(name, value), { maxLength: 3, selector: ([key]) => key }))
      .map(([first, fields]): JsonObject => ({ ...first, ...Object.fromEntries(fields) }));
    let plain = 0;
    fc.assert(
      fc.property(fc.oneof(object, fc.dictionary(name, value)), (given) => {
        const [copy, whole] = [{ ...given }, { ...given }];
        const [quick, slow] = [new Findings(), new Findings()];
        if (isPlain(checked, given)) plain++;
        quick.fields(checked, copy, 'a');
        slow.fields(bySchema, whole, 'a');
        expect(quick.problems).toEqual(slow.problems);
        expect(Object.entries(copy)).toEqual(Object.entries(whole));
      }),
      { numRuns: 2_000 },
    );
    expect(plain).toBeGreaterThan(50);
  });
});
