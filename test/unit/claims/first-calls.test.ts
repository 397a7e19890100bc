import { describe, expect, it } from 'vitest';
import { firstCalls, type TokenUse } from '../../../src/claims/first-calls.ts';
import type { ServedModel } from '../../../src/models/served-models.ts';
import type { ModelKind } from '../../../src/base/model.ts';

const origin = 'https://gateway.example.com';

function model(id: string, ...kinds: ModelKind[]): ServedModel {
  return { id, aliasOf: null, kinds, regions: [], isPublic: true };
}

const anything: TokenUse = {
  models: [model('cohere-embed', 'embeddings'), model('gpt-oss', 'chat'), model('claude-4-5-haiku', 'chat')],
  endpoints: ['/v1/chat/completions', '/v1/messages', '/v1/embeddings'],
  onlyFrom: null,
};

function titles(use: Partial<TokenUse>): string[] {
  return firstCalls(origin, { ...anything, ...use }).map(({ title }) => title);
}

describe('the first calls of a token', () => {
  it('name the address and a model that it may use, for each client', () => {
    const [curl, javaScript, python, anthropic] = firstCalls(origin, anything);
    expect(curl?.text).toContain(`curl 'https://gateway.example.com/v1/chat/completions'`);
    expect(javaScript?.text).toContain('baseURL: "https://gateway.example.com/v1"');
    expect(python?.text).toContain('base_url="https://gateway.example.com/v1"');
    expect(anthropic?.text).toContain('baseURL: "https://gateway.example.com"');
    for (const { text = '' } of [curl, javaScript, python].filter((each) => each !== undefined)) {
      expect(text).toContain('gpt-oss');
    }
    expect(anthropic?.text).toContain('claude-4-5-haiku');
  });

  it('are only those that it can make', () => {
    expect(titles({ endpoints: ['/v1/messages'] })).toEqual(['Anthropic SDK, JavaScript']);
    const [response] = firstCalls(origin, { ...anything, endpoints: ['/v1/responses'] });
    expect(response?.text).toContain('client.responses.create({ model: "gpt-oss"');
    expect(titles({ models: [model('gpt-oss', 'chat')] })).not.toContain('Anthropic SDK, JavaScript');
    for (const use of [
      { endpoints: ['/v1/embeddings'] },
      { models: [model('cohere-embed', 'embeddings')] },
    ]) {
      const [only, ...others] = firstCalls(origin, { ...anything, ...use });
      expect(only?.text).toContain('/v1/models');
      expect(others).toEqual([]);
    }
  });
});
