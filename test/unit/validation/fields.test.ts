import { describe, expect, it } from 'vitest';
import { hasLength } from '../../../src/validation/fields.ts';

describe('hasLength', () => {
  it('counts both bounds in', () => {
    expect(['', 'a', 'abc', 'abcd'].map((text) => hasLength(text, 1, 3))).toEqual([false, true, true, false]);
  });

  it('counts characters, not UTF-16 units', () => {
    expect(hasLength('🎈'.repeat(3), 1, 3)).toBe(true);
    expect(hasLength('🎈'.repeat(4), 1, 3)).toBe(false);
  });
});
