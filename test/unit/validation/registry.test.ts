import { expect, it } from 'vitest';
import { endpoints } from '../../../src/validation/registry.ts';

it('holds every endpoint under its path', () => {
  expect(endpoints.map(({ path, kind }) => [path, kind])).toEqual([
    ['/v1/chat/completions', 'chat'],
    ['/v1/embeddings', 'embeddings'],
    ['/v1/images/generations', 'images'],
    ['/v1/messages', 'messages'],
    ['/v1/rerank', 'rerank'],
    ['/v1/agents/heroku', 'agents'],
  ]);
});
