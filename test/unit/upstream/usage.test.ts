import { describe, expect, it } from 'vitest';
import { readUsage, textBytes } from '../../../src/upstream/usage.ts';

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

describe('hostile text', () => {
  const size = 1_048_576;
  const of = (unit: string): string => unit.repeat(Math.floor(size / unit.length));

  it.each([
    ['quotes', of('"')],
    ['backslashes', of('\\')],
    ['escaped quotes', of('\\"')],
    ['a text of backslashes without an end', `{"content":"${of('\\')}`],
    ['a text of escapes without an end', `{"content":"${of('\\n')}`],
    ['a text of backslashes and newlines', `{"content":"${of('\\\n')}`],
    ['a text of escaped fields', `{"content":"${of('\\"content\\":\\"')}`],
    ['fields without values', of('"content":')],
    ['fields without ends', of('"content":"')],
    ['a field and spaces', `"content"${of(' ')}`],
    ['fields and spaces', of('"content"          ')],
    ['braces', of('{')],
    ['usages', of('"usage":{')],
    ['brackets', of('[')],
  ])('of 1 MB of %s is read in no time', (_, text) => {
    const startedMs = performance.now();
    textBytes(text);
    readUsage(text);
    // About 5 ms here; a regular expression that backtracks takes minutes.
    expect(performance.now() - startedMs).toBeLessThan(250);
  });
});
