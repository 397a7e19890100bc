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
