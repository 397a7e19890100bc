import { describe, expect, it } from 'vitest';
import { readUsage, textBytes } from '../../../src/upstream/usage.ts';
import { growth, linear } from '../../support/growth.ts';

describe('readUsage', () => {
  it.each([
    ['OpenAI', '{"usage":{"prompt_tokens":14,"completion_tokens":51,"total_tokens":65}}', [14, 51]],
    ['Anthropic', '{"usage":{"input_tokens":14,"output_tokens":51}}', [14, 51]],
    ['embeddings', '{"usage":{"prompt_tokens":14,"total_tokens":14}}', [14, 0]],
    ['output alone', '{"usage":{"completion_tokens":5}}', [0, 5]],
    [
      'details in between',
      '{"usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens":2}}',
      [1, 2],
    ],
    ['a null beside the other name', '{"usage":{"prompt_tokens":null,"input_tokens":3}}', [3, 0]],
  ])("reads %s' figures", (_, json, [inputTokens, outputTokens]) => {
    expect(readUsage(json)).toEqual({ inputTokens, outputTokens });
  });

  it.each([
    ['no usage', '{"choices":[]}'],
    ['a null', '{"usage":null}'],
    ['an empty object', '{"usage":{}}'],
    ['zeros', '{"usage":{"prompt_tokens":0,"completion_tokens":0}}'],
    ['a list', '{"usage":[1,2]}'],
    ['a text', '{"usage":"14"}'],
    ['figures that are no counts', '{"usage":{"prompt_tokens":"14","completion_tokens":-1}}'],
    ['fractions', '{"usage":{"prompt_tokens":1.5,"completion_tokens":1e300}}'],
    ['usage deeper down only', '{"message":{"usage":{"prompt_tokens":1}}}'],
    ['no object', '[]'],
    ['null', 'null'],
    ['no JSON', '{"usage":{"prompt_tokens":1}'],
    ['nothing', ''],
  ])('is null for %s', (_, json) => {
    expect(readUsage(json)).toBeNull();
  });
});

describe('textBytes', () => {
  const latin1 = (json: string): string => Buffer.from(json).toString('latin1');

  it.each([
    ['a message', '{"choices":[{"message":{"content":"Hello"}}]}', 5],
    ['an empty content', '{"content":""}', 0],
    ['a null content', '{"content":null}', 0],
    ['escapes, as they are written', String.raw`{"content":"a\"b\\"}`, 6],
    ['spaces around the colon', '{"content" :  "abc"}', 3],
    ['parts', '{"content":[{"type":"text","text":"abc"},{"type":"text","text":"de"}]}', 5],
    ['thinking', '{"reasoning":{"thinking":"abc"},"content":"d"}', 4],
    ['arguments', String.raw`{"function":{"name":"f","arguments":"{\"a\":1}"}}`, 9],
    ['names, ids and roles, which are not generated', '{"id":"abc","role":"assistant","name":"f"}', 0],
    ['a text that looks like a field', String.raw`{"content":"\"content\":\"abc\""}`, 19],
    ['a text cut short', '{"content":"abc', 3],
  ])('counts %s', (_, json, bytes) => {
    expect(textBytes(latin1(json))).toBe(bytes);
  });

  it('counts bytes, not characters', () => {
    expect(textBytes(latin1('{"content":"ü😀"}'))).toBe(6);
  });
});

/** Fills the size of the text with a unit. */
type Filler = (unit: string) => string;

describe('hostile text', () => {
  it.each([
    ['quotes', (of: Filler) => of('"')],
    ['backslashes', (of: Filler) => of('\\')],
    ['escaped quotes', (of: Filler) => of('\\"')],
    ['a text of backslashes without an end', (of: Filler) => `{"content":"${of('\\')}`],
    ['a text of escapes without an end', (of: Filler) => `{"content":"${of('\\n')}`],
    ['a text of backslashes and newlines', (of: Filler) => `{"content":"${of('\\\n')}`],
    ['a text of escaped fields', (of: Filler) => `{"content":"${of('\\"content\\":\\"')}`],
    ['fields without values', (of: Filler) => of('"content":')],
    ['fields without ends', (of: Filler) => of('"content":"')],
    ['a field and spaces', (of: Filler) => `"content"${of(' ')}`],
    ['fields and spaces', (of: Filler) => of('"content"          ')],
    ['braces', (of: Filler) => of('{')],
    ['usages', (of: Filler) => of('"usage":{')],
    ['brackets', (of: Filler) => of('[')],
  ])('of %s is read in linear time', (_, text) => {
    const reading = (amount: number) => {
      const bytes = amount * 128 * 1_024;
      const hostile = text((unit) => unit.repeat(Math.floor(bytes / unit.length)));
      return () => {
        textBytes(hostile);
        readUsage(hostile);
      };
    };
    expect(growth(reading)).toBeLessThan(linear);
  });
});
