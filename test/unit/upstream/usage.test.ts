import { describe, expect, it } from 'vitest';
import { readUsage } from '../../../src/upstream/usage.ts';
import { growth, linear } from '../../support/growth.ts';

describe('readUsage', () => {
  it.each([
    ['OpenAI', '{"usage":{"prompt_tokens":14,"completion_tokens":51,"total_tokens":65}}', [14, 51]],
    ['Anthropic', '{"usage":{"input_tokens":14,"output_tokens":51}}', [14, 51]],
    ['embeddings', '{"usage":{"prompt_tokens":14,"total_tokens":14}}', [14, 0]],
    ['output alone', '{"usage":{"completion_tokens":5}}', [0, 5]],
    [
      'details in between',
      '{"usage":{"prompt_tokens":1,"prompt_tokens_details":{"audio_tokens":1},"completion_tokens":2}}',
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
    ['fractions', '{"usage":{"prompt_tokens":1.5,"completion_tokens":0.5}}'],
    ['more than any model writes', '{"usage":{"prompt_tokens":9,"completion_tokens":1000000000000000}}'],
    ['more than any model takes', '{"usage":{"input_tokens":10000001,"output_tokens":9}}'],
    ['more than any number holds', '{"usage":{"prompt_tokens":9,"completion_tokens":1e300}}'],
    ['more from a cache than any model takes', '{"usage":{"input_tokens":1,"cache_read_input_tokens":1e12}}'],
    ['more searches than there can be', '{"meta":{"billed_units":{"search_units":1e15}}}'],
    ['usage deeper down only', '{"message":{"usage":{"prompt_tokens":1}}}'],
    ['no object', '[]'],
    ['null', 'null'],
    ['no JSON', '{"usage":{"prompt_tokens":1}'],
    ['nothing', ''],
  ])('is null for %s', (_, json) => {
    expect(readUsage(json)).toBeNull();
  });
});

describe('cached tokens', () => {
  const openai = (usage: string): string => `{"usage":{"prompt_tokens":100,"completion_tokens":5${usage}}}`;
  const anthropic = (usage: string): string => `{"usage":{"input_tokens":10,"output_tokens":5${usage}}}`;

  it.each<[string, string, { input: number; read?: number; written?: number }]>([
    [
      "OpenAI's, inside the input",
      openai(',"prompt_tokens_details":{"cached_tokens":80}'),
      { input: 100, read: 80 },
    ],
    [
      'reads and writes inside the input',
      openai(',"prompt_tokens_details":{"cached_tokens":80,"cache_write_tokens":15}'),
      { input: 100, read: 80, written: 15 },
    ],
    [
      "Anthropic's names inside OpenAI's input",
      openai(',"cache_read_input_tokens":80,"cache_creation_input_tokens":15'),
      { input: 100, read: 80, written: 15 },
    ],
    [
      'the same twice, which is counted once',
      openai(',"prompt_tokens_details":{"cached_tokens":80},"cache_read_input_tokens":80'),
      { input: 100, read: 80 },
    ],
    [
      'details of the names of another API of OpenAI',
      '{"usage":{"input_tokens":100,"output_tokens":5,"input_tokens_details":{"cached_tokens":80}}}',
      { input: 100, read: 80 },
    ],
    [
      'more than the input',
      openai(',"prompt_tokens_details":{"cached_tokens":101}'),
      { input: 100, read: 100 },
    ],
    [
      'reads and writes that are more than the input',
      openai(',"prompt_tokens_details":{"cached_tokens":80,"cache_write_tokens":30}'),
      { input: 100, read: 80, written: 20 },
    ],
    ['no details', openai(',"prompt_tokens_details":null'), { input: 100 }],
    ['zeros', openai(',"prompt_tokens_details":{"cached_tokens":0}'), { input: 100 }],
    ['what is no count', openai(',"prompt_tokens_details":{"cached_tokens":-3}'), { input: 100 }],
    [
      "Anthropic's, beside the input",
      anthropic(',"cache_read_input_tokens":80,"cache_creation_input_tokens":15'),
      { input: 105, read: 80, written: 15 },
    ],
    [
      'writes in parts beside their sum',
      anthropic(
        ',"cache_creation_input_tokens":15,"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":10}',
      ),
      { input: 25, written: 15 },
    ],
    [
      'writes in parts alone',
      anthropic(',"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":10}'),
      { input: 25, written: 15 },
    ],
    ['nulls', anthropic(',"cache_read_input_tokens":null,"cache_creation":null'), { input: 10 }],
  ])('are read: %s', (_, json, { input, read, written }) => {
    expect(readUsage(json)).toEqual({
      inputTokens: input,
      outputTokens: 5,
      ...(read === undefined ? {} : { cacheReadTokens: read }),
      ...(written === undefined ? {} : { cacheWriteTokens: written }),
    });
  });
});

describe('the iterations of one answer', () => {
  // Anthropic, "Compaction": all of them are billed, and the figures at the top are without the compaction.
  const compaction = { type: 'compaction', input_tokens: 180_000, output_tokens: 3_500 };
  const message = { type: 'message', input_tokens: 23_000, output_tokens: 1_000 };
  const top = { input_tokens: 23_000, output_tokens: 1_000 };

  it.each([
    ['are added up', [compaction, message], [203_000, 4_500]],
    ['may be one', [message], [23_000, 1_000]],
    ['may be many', [compaction, message, compaction, message], [406_000, 9_000]],
    ['count for nothing if there are none', [], [23_000, 1_000]],
    ['count for nothing if they say nothing', [{ type: 'message' }, null, 7], [23_000, 1_000]],
    ['count for nothing if they are no list', { input_tokens: 7 }, [23_000, 1_000]],
    [
      'have caches of their own',
      [{ ...compaction, cache_read_input_tokens: 500, cache_creation_input_tokens: 20 }],
      [180_520, 3_500],
    ],
  ])('%s', (_, iterations, [inputTokens, outputTokens]) => {
    const usage = readUsage(JSON.stringify({ usage: { ...top, iterations } }));
    expect(usage).toMatchObject({ inputTokens, outputTokens });
  });
});

/** Fills the size of the text with a unit. */
type Filler = (unit: string) => string;

describe('hostile text', () => {
  it.each([
    ['braces', (of: Filler) => of('{')],
    ['usages', (of: Filler) => of('"usage":{')],
    ['brackets', (of: Filler) => of('[')],
  ])('of %s is read in linear time', (_, text) => {
    const reading = (amount: number) => {
      const bytes = amount * 128 * 1_024;
      const hostile = text((unit) => unit.repeat(Math.floor(bytes / unit.length)));
      return () => readUsage(hostile);
    };
    expect(growth(reading)).toBeLessThan(linear);
  });
});
