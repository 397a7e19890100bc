import { describe, expect, it } from 'vitest';
import { availableModel, readAvailableModels } from '../../../src/models/available-models.ts';

function read(value: unknown): Record<string, unknown> | null {
  const models = readAvailableModels(JSON.stringify(value));
  return models && Object.fromEntries(models);
}

describe('a list of models', () => {
  it('gives kinds and regions of each', () => {
    expect(
      read([
        { model_id: 'claude-4-sonnet', type: ['text-to-text'], regions: ['us', 'eu'] },
        { model_id: 'cohere-embed', type: ['text-to-embedding'], regions: ['us'] },
        { model_id: 'stable/image:1', type: ['text-to-image'], regions: [] },
        { model_id: 'rerank', type: ['text-to-ranking'] },
        { model_id: 'both', type: ['text-to-text', 'text-to-image'] },
      ]),
    ).toEqual({
      'claude-4-sonnet': { kinds: ['chat'], regions: ['us', 'eu'] },
      'cohere-embed': { kinds: ['embeddings'], regions: ['us'] },
      'stable/image:1': { kinds: ['images'], regions: [] },
      rerank: { kinds: ['rerank'], regions: [] },
      both: { kinds: ['chat', 'images'], regions: [] },
    });
  });

  it.each<[string, unknown]>([
    ['a text for a list', 'text-to-text'],
    ['the same twice', ['text-to-text', 'text-to-text']],
  ])('takes %s', (_, type) => {
    expect(read([{ model_id: 'm', type }])).toEqual({ m: { kinds: ['chat'], regions: [] } });
  });

  it.each<[string, unknown]>([
    ['a type that is new', ['text-to-text', 'text-to-video']],
    ['no type', undefined],
    ['no text', [1, null]],
  ])('says nothing of the kind of a model with %s', (_, type) => {
    expect(read([{ model_id: 'm', type }])).toEqual({ m: { kinds: [], regions: [] } });
  });

  it('passes over what makes no sense in it', () => {
    const id = 'x'.repeat(129);
    const bad = [
      null,
      1,
      'm',
      [],
      {},
      { model_id: 1 },
      { model_id: '' },
      { model_id: 'a b' },
      { model_id: id },
    ];
    const good = { model_id: 'm', type: ['text-to-text'], regions: ['us', 1, '<b>', 'US'] };
    expect(read([...bad, good])).toEqual({ m: { kinds: ['chat'], regions: ['us'] } });
  });

  it.each([
    '',
    'null',
    '{}',
    '{"data":[{"model_id":"m"}]}',
    '[]',
    '[1]',
    '<html></html>',
    '[{"model_id":"m"}',
  ])('is none in %j', (text) => expect(readAvailableModels(text)).toBeNull());

  it('is read up to a thousand', () => {
    const list = Array.from({ length: 1_500 }, (_, n) => ({ model_id: `m${n}` }));
    expect(readAvailableModels(JSON.stringify(list))?.size).toBe(1_000);
  });

  it('is written in the same shape', () => {
    const entry = { model_id: 'm', type: ['text-to-text', 'text-to-ranking'], regions: ['us'] };
    const model = readAvailableModels(JSON.stringify([entry]))?.get('m');
    expect(model && availableModel('m', model)).toEqual(entry);
  });
});
