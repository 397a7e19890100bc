import type { JsonValue } from '../core/request.ts';

/** What GET /available-models lists, in Heroku's shape: a bare array, readable without a key. */
export const availableModels: JsonValue = [
  { model_id: 'claude-4-sonnet', type: ['text-to-text'], regions: ['us', 'eu'] },
  { model_id: 'claude-3-5-haiku', type: ['text-to-text'], regions: ['us'] },
  { model_id: 'cohere-embed-multilingual', type: ['text-to-embedding'], regions: ['us', 'eu'] },
  { model_id: 'stable-image-ultra', type: ['text-to-image'], regions: ['us'] },
  { model_id: 'cohere-rerank-3-5', type: ['text-to-ranking'], regions: ['us'] },
];
