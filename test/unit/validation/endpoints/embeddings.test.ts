import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { embeddings } from '../../../../src/validation/endpoints/embeddings.ts';
import { accepted, params } from '../verdict.ts';

function body(fields: JsonObject = {}): JsonObject {
  return { model: 'cohere-embed-multilingual', input: ['Hello!'], ...fields };
}

describe('input', () => {
  it.each<[string, JsonValue]>([
    ['a string', 'x'],
    ['a string of 2,048 characters', 'x'.repeat(2_048)],
    ['2,048 characters of two units each', '🎈'.repeat(2_048)],
    ['one string', ['x']],
    ['2,048 strings', Array<string>(2_048).fill('x'.repeat(2_048))],
  ])('may be %s', (_name, input) => {
    expect(accepted(embeddings, body({ input })).body).toEqual(body({ input }));
  });

  it.each<[string, JsonValue, string]>([
    ['null', null, 'input'],
    ['a number', 1, 'input'],
    ['an object', {}, 'input'],
    ['an empty string', '', 'input'],
    ['a string of 2,049 characters', 'x'.repeat(2_049), 'input'],
    ['no string', [], 'input'],
    ['2,049 strings', Array<string>(2_049).fill('x'), 'input'],
    ['a list with an empty string', ['x', ''], 'input.1'],
    ['a list with a long string', ['x', 'x'.repeat(2_049)], 'input.1'],
    ['tokens', [1], 'input.0'],
  ])('may not be %s', (_name, input, param) => {
    expect(params(embeddings, body({ input }))).toEqual([param]);
  });

  it('is required, as is the model', () => {
    expect(params(embeddings, {})).toEqual(['model', 'input']);
  });

  it('is refused beyond its length before its items are looked at', () => {
    expect(params(embeddings, body({ input: Array<JsonValue>(5_000).fill(1) }))).toEqual(['input']);
  });
});

const choices: [string, string[]][] = [
  ['input_type', ['search_document', 'search_query', 'classification', 'clustering']],
  ['encoding_format', ['raw', 'base64']],
  ['embedding_type', ['float', 'int8', 'uint8', 'binary', 'ubinary']],
];
it.each(choices)('%s is one of the documented values, or null', (field, values) => {
  for (const value of [...values, null]) {
    expect(accepted(embeddings, body({ [field]: value })).body).toEqual(body({ [field]: value }));
  }
  for (const value of ['', 'other', 'RAW', 1, [values[0] ?? '']]) {
    expect(params(embeddings, body({ [field]: value }))).toEqual([field]);
  }
});

it('sends encoding_format float on as raw, in its place, and leaves the caller’s value alone', () => {
  const given = body({ encoding_format: 'float', dimensions: 256, user: 'ana' });
  const sent = JSON.stringify(accepted(embeddings, given).body);
  expect(sent).toBe(JSON.stringify({ ...given, encoding_format: 'raw' }));
  expect(given['encoding_format']).toBe('float');
});

it.each(['Input', 'MODEL', 'Encoding_Format'])('a name that differs only by case is refused: %s', (field) => {
  expect(params(embeddings, body({ [field]: 'x' }))).toEqual([field]);
});

it('writes no output and no images', () => {
  expect(accepted(embeddings, body({ stream: true, n: 5, max_tokens: 10 }))).toMatchObject({
    endpoint: embeddings,
    stream: false,
    outputBound: 0,
    choices: 1,
    images: 0,
    mediaTokens: 0,
    remoteTools: [],
  });
});
