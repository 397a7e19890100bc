import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { documented, respelled } from '../../../src/validation/documented.ts';

const level = documented({ max_tokens: z.unknown(), stream: z.unknown(), k: z.unknown() });

describe('respelled', () => {
  it.each([
    ['Max_Tokens', 'max_tokens'],
    ['STREAM', 'stream'],
    ['K', 'k'],
    // Letters that other parsers fold to these.
    ['\u{17f}tream', 'stream'],
    ['\u{212a}', 'k'],
  ])('finds that %s is %s', (key, name) => {
    expect(respelled(level, key)).toBe(name);
  });

  it.each(['maxTokens', '', 'other'])('finds nothing in the unknown name %j', (key) => {
    expect(respelled(level, key)).toBeUndefined();
  });
});
