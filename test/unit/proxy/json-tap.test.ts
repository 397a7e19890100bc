import { describe, expect, it } from 'vitest';
import { JsonTap } from '../../../src/proxy/json-tap.ts';
import { growth, linear } from '../../support/growth.ts';

function tapOf(json: string, chunkBytes = 65_536): JsonTap {
  const tap = new JsonTap();
  const bytes = Buffer.from(json);
  for (let at = 0; at < bytes.length; at += chunkBytes) tap.feed(bytes.subarray(at, at + chunkBytes));
  return tap;
}

const usage = '"usage":{"prompt_tokens":14,"completion_tokens":51,"total_tokens":65}';
const figures = { inputTokens: 14, outputTokens: 51 };

describe('a plain answer', () => {
  const answer = `{"id":"1","choices":[{"message":{"role":"assistant","content":"Grüße 😀"}}],${usage}}`;

  it('is read for its usage and its text, however it is cut', () => {
    for (const chunkBytes of [1, 2, 3, 7, answer.length]) {
      const tap = tapOf(answer, chunkBytes);
      expect(tap.usage()).toEqual(figures);
      expect(tap.textBytes()).toBe(Buffer.byteLength('Grüße 😀'));
    }
  });

  it('without usage has none', () => {
    expect(tapOf('{"choices":[{"message":{"content":"abc"}}]}').usage()).toBeNull();
    expect(new JsonTap().usage()).toBeNull();
    expect(new JsonTap().textBytes()).toBe(0);
  });

  it('that broke off is counted for what came', () => {
    const tap = tapOf('{"choices":[{"message":{"content":"abcdef');
    expect(tap.usage()).toBeNull();
    expect(tap.textBytes()).toBe(6);
  });
});

describe('an answer too large to keep', () => {
  const vectors = (bytes: number): string => `"data":[${'0.123456,'.repeat(bytes / 9)}0]`;

  for (const kib of [255, 257, 1_024, 5_000]) {
    it(`of ${kib} KiB is read for the usage at its end`, () => {
      const answer = `{"object":"list",${vectors(kib * 1_024)},"model":"m",${usage}}`;
      for (const chunkBytes of [1_000, 65_536, answer.length])
        expect(tapOf(answer, chunkBytes).usage()).toEqual(figures);
    });
  }

  it('is read for usage with details, and spaces', () => {
    const detailed =
      '"usage" : { "prompt_tokens" : 14, "details" : { "cached" : 0 }, "completion_tokens" : 51 } ';
    expect(tapOf(`{${vectors(300_000)},${detailed}\n}\n`).usage()).toEqual(figures);
  });

  it('is not fooled by a text that looks like usage', () => {
    const text = JSON.stringify({ revised_prompt: '"usage":{"prompt_tokens":1,"completion_tokens":1}' });
    expect(tapOf(`{${vectors(300_000)},${usage},"x":${text}}`).usage()).toEqual(figures);
    expect(tapOf(`{${vectors(300_000)},"x":${text}}`).usage()).toBeNull();
  });

  it('without usage, or with it at the beginning, has none', () => {
    expect(tapOf(`{${vectors(300_000)}}`).usage()).toBeNull();
    expect(tapOf(`{${usage},${vectors(600_000)}}`).usage()).toBeNull();
  });

  it.each([
    ['usages', '"usage":{'],
    ['usages with objects', '"usage":{}{}'],
    ['objects', '{}'],
    ['quotes', '"'],
    ['backslashes', '\\'],
  ])('of nothing but %s is read in linear time', (_, unit) => {
    const reading = (amount: number) => {
      const text = `"usage":{${unit.repeat((amount * 80_000) / unit.length)}`;
      return () => tapOf(text).usage();
    };
    expect(growth(reading)).toBeLessThan(linear);
  });

  it('is fed in linear time', () => {
    const feeding = (amount: number) => {
      const text = 'x'.repeat(amount * 1_000_000);
      return () => tapOf(text, 1_024);
    };
    expect(growth(feeding)).toBeLessThan(linear);
  });
});
