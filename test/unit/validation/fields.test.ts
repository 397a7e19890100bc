import { describe, expect, it } from 'vitest';
import { hasLength, requiredTextOf } from '../../../src/validation/fields.ts';

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
