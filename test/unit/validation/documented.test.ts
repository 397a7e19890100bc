import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { caseVariants, documented } from '../../../src/validation/documented.ts';

const level = documented({ max_tokens: z.unknown(), stream: z.unknown(), k: z.unknown() });

describe('caseVariants', () => {
  it.each([
    ['Max_Tokens', 'max_tokens'],
    ['STREAM', 'stream'],
    ['K', 'k'],
    // Letters that other parsers fold to these.
    ['\u{17f}tream', 'stream'],
    ['\u{212a}', 'k'],
  ])('finds that %s is %s', (key, name) => {
    expect(caseVariants(level, { [key]: 1 })).toEqual([[key, name]]);
  });

  it('finds nothing in documented and unknown names', () => {
    expect(caseVariants(level, { max_tokens: 1, stream: 1, k: 1, maxTokens: 1, '': 1, other: 1 })).toEqual(
      [],
    );
  });
});
