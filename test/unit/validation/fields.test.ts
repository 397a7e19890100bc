import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as kinds from '../../../src/validation/fields.ts';
import { anyCharacter } from '../../support/any-character.ts';

const { hasLength, optional, quickYesOf, requiredTextOf } = kinds;

describe('hasLength', () => {
  it('counts both bounds in', () => {
    expect(['', 'a', 'abc', 'abcd'].map((text) => hasLength(text, 1, 3))).toEqual([false, true, true, false]);
  });

  it('counts characters, not UTF-16 units', () => {
    expect(hasLength('🎈'.repeat(3), 1, 3)).toBe(true);
    expect(hasLength('🎈'.repeat(4), 1, 3)).toBe(false);
  });
});

describe('requiredTextOf', () => {
  it.each([
    [1, undefined, 'must be a string that is not empty'],
    [2, undefined, 'must be a string of at least 2 characters'],
    [0, 9, 'must be a string of at most 9 characters'],
    [1, 9, 'must be a string of 1 to 9 characters'],
  ])('from %s to %s says what is right', (min, max, message) => {
    const wrong = requiredTextOf(min, max).safeParse(min === 0 ? 'x'.repeat(10) : '');
    expect(wrong.error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

describe('the quick yes', () => {
  const every = {
    anything: [kinds.anything, {}],
    'an object': [kinds.requiredObject, {}],
    'an object or nothing': [kinds.optionalObject, null],
    'a flag': [kinds.optionalFlag, false],
    'a number': [kinds.optionalNumber, 0.5],
    'a text': [kinds.requiredText, ''],
    'a text or nothing': [kinds.optionalText, null],
    'a model': [kinds.model, 'claude-4-5-haiku'],
    'an integer': [kinds.requiredInteger(Number.MIN_SAFE_INTEGER), -1],
    'an integer from 0 to 10': [kinds.optionalInteger(0, 10), 10],
    'a number from 0 to 1': [kinds.optionalNumberIn(0, 1), 1],
    'a choice': [kinds.requiredChoice(['user', 'tool']), 'tool'],
    'a text of 1 to 3 characters': [requiredTextOf(1, 3), '🎈🎈🎈'],
    'any of that, or nothing': [optional(requiredTextOf(1)), 'x'],
  } as const;
  const near = fc.constantFrom<unknown[]>(
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    10,
    11,
    0.5,
    1.0000001,
    NaN,
    Infinity,
    -Infinity,
    2 ** 53,
    2 ** 53 - 1,
    -(2 ** 53),
    -(2 ** 53) + 1,
    1e300,
    '',
    'user',
    'tool',
    'User',
    'x y',
    'm'.repeat(129),
    'm\n',
    '🎈🎈🎈',
    '🎈🎈🎈🎈',
    'constructor',
    `tgk_${'a'.repeat(48)}`,
    [],
    ['user'],
    {},
    new Date(0),
    () => 1,
  );
  const value = fc.oneof(near, fc.anything(), fc.string({ unit: anyCharacter }), fc.double(), fc.integer());

  it.each(Object.entries(every))(
    'of %s is said only to what its schema accepts, as it is',
    (_name, [type, usual]) => {
      const yes = quickYesOf(type);
      expect(yes(usual)).toBe(true);
      fc.assert(
        fc.property(value, (given) => {
          if (!yes(given)) return;
          const result = type.safeParse(given);
          expect(result.success).toBe(true);
          expect(result.data).toBe(given);
        }),
        { numRuns: 1_000 },
      );
    },
  );
});
