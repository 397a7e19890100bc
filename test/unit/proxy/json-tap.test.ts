import { describe, expect, it } from 'vitest';
import { JsonTap, type JsonTapOptions } from '../../../src/proxy/json-tap.ts';
import { growth, linear } from '../../support/growth.ts';

const chat: JsonTapOptions = { list: 'choices' };
const embeddings: JsonTapOptions = { list: 'data' };
const images: JsonTapOptions = { list: 'data', countsImages: true };
const messages: JsonTapOptions = { list: 'content' };
const rerank: JsonTapOptions = { list: 'results', isGenerated: false };

function tapOf(json: string, { options = chat, chunkBytes = 65_536 } = {}): JsonTap {
  const tap = new JsonTap(options);
  const bytes = Buffer.from(json);
  for (let at = 0; at < bytes.length; at += chunkBytes) tap.feed(bytes.subarray(at, at + chunkBytes));
  return tap;
}

const usage = '"usage":{"prompt_tokens":14,"completion_tokens":51,"total_tokens":65}';
const figures = { inputTokens: 14, outputTokens: 51 };
const choices = (text: string): string =>
  `"choices":[{"message":{"role":"assistant","content":"${text}"},"finish_reason":"stop"}]`;
const vectors = (bytes: number): string =>
  `"data":[{"object":"embedding","index":0,"embedding":[${'-0.123456,'.repeat(bytes / 10)}0]}]`;

describe('a plain answer', () => {
  const answer = `{"id":"1",${choices('Grüße 😀')},${usage}}`;

  it('is read for its usage and its text, however it is cut', () => {
    for (const chunkBytes of [1, 2, 3, 7, answer.length]) {
      const tap = tapOf(answer, { chunkBytes });
      expect(tap.isAnswer).toBe(true);
      expect(tap.usage).toEqual(figures);
      expect(tap.textBytes).toBe(Buffer.byteLength('Grüße 😀'));
    }
  });

  it('without usage has none', () => {
    expect(tapOf(`{${choices('abc')}}`)).toMatchObject({ isAnswer: true, usage: null, textBytes: 3 });
    expect(new JsonTap(chat)).toMatchObject({ isAnswer: false, usage: null, textBytes: 0 });
  });

  it('that broke off is counted for what came', () => {
    const tap = tapOf('{"choices":[{"message":{"content":"abcdef');
    expect(tap).toMatchObject({ isAnswer: false, usage: null, textBytes: 6 });
  });

  it('may begin with a byte order mark', () => {
    expect(tapOf(`\ufeff${answer}`)).toMatchObject({ isAnswer: true, usage: figures });
    expect(tapOf(`\ufeff{${choices('x'.repeat(70_000))}}`).isAnswer).toBe(true);
  });
});

/** The rest of an answer, so that it is kept, or too large for that. */
const sizes = [
  ['small', ''],
  ['large', `,"padding":[${'"x",'.repeat(20_000)}"x"]`],
] as const;

describe.each(sizes)('a %s answer', (_, padding) => {
  it.each<[string, JsonTapOptions, string]>([
    ['a chat', chat, `{${choices('x')}${padding}}`],
    ['a chat that makes no choices', chat, `{"choices":[]${padding}}`],
    ['something else', chat, `{"id":"x",${usage}${padding}}`],
    ['a chat with spaces', chat, ` {\n "choices" : [ ]${padding} } \n`],
    ['a chat without an error', chat, `{"error":null,${choices('x')}${padding}}`],
    ['a chat about errors', chat, `{${choices('{\\"error\\":{}}')}${padding}}`],
    ['a message beside the choices', chat, `{"message":"x",${choices('x')}${padding}}`],
    ['embeddings', embeddings, `{"object":"list",${vectors(100)}${padding}}`],
    ['images', images, `{"created":1,"data":[{"b64_json":"aa"}],"message":"done"${padding}}`],
    ['a message', messages, `{"type":"message","content":[{"type":"text","text":"x"}]${padding}}`],
    ['a rerank', rerank, `{"results":[{"index":0}],"meta":{"billed_units":{"search_units":1}}${padding}}`],
  ])('is one: %s', (_name, options, json) => {
    for (const chunkBytes of [1_000, 65_536])
      expect(tapOf(json, { options, chunkBytes }).isAnswer).toBe(true);
  });

  it.each<[string, JsonTapOptions, string]>([
    ['an error', chat, `{"error":{"message":"x"}${padding}}`],
    ['an error that is a text', chat, `{"error":"x"${padding}}`],
    ['an error beside choices', chat, `{${choices('x')},"error":{"code":502}${padding}}`],
    ['an error after images', images, `{"data":[{"b64_json":"aa"}],"error":{"code":502}${padding}}`],
    ['a message and a code', chat, `{"code":500,"message":"x"${padding}}`],
    ['an error of Anthropic', messages, `{"type":"error","error":{"type":"api_error"}${padding}}`],
    ['an error of a kind, and content', messages, `{"type":"error","content":[]${padding}}`],
    ['no choices', chat, `{"object":"chat.completion",${usage}${padding}}`],
    ['choices that are no list', chat, `{"choices":{}${padding}}`],
    ['choices that are null', chat, `{"choices":null${padding}}`],
    ['embeddings without data', embeddings, `{"object":"list",${usage}${padding}}`],
    ['images without data', images, `{"created":1${padding}}`],
    ['a message without content', messages, `{"type":"message"${padding}}`],
    ['a content that is a text', messages, `{"content":"x"${padding}}`],
    ['a rerank without results', rerank, `{"id":"x","meta":{}${padding}}`],
    ['a list', chat, `[{${choices('x')}${padding}}]`],
    ['half of one', chat, `{${choices('x')}${padding}`],
    ['one and a half', chat, `{${choices('x')}${padding}}{`],
  ])('is none: %s', (_name, options, json) => {
    for (const chunkBytes of [1_000, 65_536])
      expect(tapOf(json, { options, chunkBytes }).isAnswer).toBe(false);
  });

  it.each([
    ['[{"b64_json":"aa"},{"b64_json":"bb"}]', 2],
    ['[{"url":"https://x/y.png"}]', 1],
    ['[{"b64_json":"aa"},{"b64_json":null,"error":"filtered"}]', 1],
    ['[]', 0],
  ])('has as many images as came: %s', (data, count) => {
    const tap = tapOf(`{"data":${data}${padding}}`, { options: images });
    expect(tap.usage).toEqual({ inputTokens: 0, outputTokens: 0, images: count });
  });

  it('has images and tokens, if both are reported', () => {
    const tap = tapOf(`{"data":[{"b64_json":"aa"}],${usage}${padding}}`, { options: images });
    expect(tap.usage).toEqual({ ...figures, images: 1 });
  });

  it('has no images if it is an error', () => {
    expect(tapOf(`{"error":"x"${padding}}`, { options: images }).usage?.images).toBe(0);
  });
});

describe('what is no answer at all', () => {
  it.each([
    '',
    ' \n',
    'null',
    '[]',
    '["x"]',
    '"x"',
    '1',
    'true',
    '<html></html>',
    'not JSON',
    '{"a":1',
    '\ufeff',
  ])('%j', (text) => {
    expect(tapOf(text)).toMatchObject({ isAnswer: false, usage: null });
  });

  it('of 100 kB', () => {
    expect(tapOf(`<html>${'x'.repeat(100_000)}`).isAnswer).toBe(false);
    expect(tapOf(' '.repeat(100_000)).isAnswer).toBe(false);
    expect(tapOf(`{"error":{"message":"${'x'.repeat(100_000)}"},${choices('x')}}`).isAnswer).toBe(false);
  });
});

describe('an answer too large to keep', () => {
  it.each([63, 65, 255, 1_024, 5_000])('of %i KiB is read for usage before or after it', (kib) => {
    for (const answer of [
      `{"object":"list",${vectors(kib * 1_024)},"model":"m",${usage}}`,
      `{"object":"list",${usage},${vectors(kib * 1_024)},"model":"m"}`,
    ]) {
      for (const chunkBytes of [1_000, 65_536, answer.length]) {
        const tap = tapOf(answer, { options: embeddings, chunkBytes });
        expect(tap.usage).toEqual(figures);
        expect(tap.isAnswer).toBe(true);
        expect(tap.isLarge).toBe(kib > 64);
      }
    }
  });

  it('is read for usage of any depth', () => {
    const detailed =
      '"usage" : { "prompt_tokens" : 14, "details" : { "a" : { "b" : { "c" : {} } } }, "completion_tokens" : 51 } ';
    expect(tapOf(`{${choices('x'.repeat(300_000))},${detailed}\n}\n`).usage).toEqual(figures);
  });

  it('is not fooled by a text that looks like usage, or by one deeper down', () => {
    const text = JSON.stringify({ revised_prompt: '"usage":{"prompt_tokens":1,"completion_tokens":1}' });
    const long = choices('x'.repeat(300_000));
    expect(tapOf(`{${long},${usage},"x":${text}}`).usage).toEqual(figures);
    expect(tapOf(`{${long},"x":${text}}`).usage).toBeNull();
    expect(tapOf(`{${long},"x":{${usage}}}`).usage).toBeNull();
  });

  it('without usage is counted for its text', () => {
    const text = 'Grüße\\n'.repeat(50_000);
    for (const chunkBytes of [999, 65_536]) {
      const tap = tapOf(`{${choices(text)}}`, { chunkBytes });
      expect(tap.isAnswer).toBe(true);
      expect(tap.usage).toBeNull();
      expect(tap.textBytes).toBe(9 * 50_000);
    }
    expect(tapOf(`{${choices('x'.repeat(300_000))}`.slice(0, 200_000)).textBytes).toBeGreaterThan(199_000);
  });

  it('is read for the search units of a rerank', () => {
    const results = `"results":[${'{"index":1,"document":{"text":"abc"}},'.repeat(5_000)}{}]`;
    const tap = tapOf(`{${results},"meta":{"billed_units":{"search_units":3}}}`, { options: rerank });
    expect(tap).toMatchObject({ isAnswer: true, textBytes: 0 });
    expect(tap.usage).toMatchObject({ searchUnits: 3 });
  });

  it('is fed in linear time', () => {
    const feeding = (amount: number) => {
      const text = 'x'.repeat(amount * 1_000_000);
      return () => tapOf(`{"a":"${text}`, { chunkBytes: 1_024 }).usage;
    };
    expect(growth(feeding)).toBeLessThan(linear);
  });
});
