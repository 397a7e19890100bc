import type { JsonValue } from '../base/request.ts';

const everywhere = ['us', 'eu'];

/** What GET /available-models lists, in Heroku's shape: a bare array, readable without a key. */
export const availableModels: JsonValue = [
  ...['claude-4-5-haiku', 'claude-4-5-sonnet', 'claude-4-sonnet', 'claude-3-5-haiku', 'nova-pro'].map(
    (id) => ({
      model_id: id,
      type: ['text-to-text'],
      regions: everywhere,
    }),
  ),
  { model_id: 'cohere-embed-multilingual', type: ['text-to-embedding'], regions: everywhere },
  { model_id: 'stable-image-ultra', type: ['text-to-image'], regions: ['us'] },
  { model_id: 'cohere-rerank-3-5', type: ['text-to-ranking'], regions: ['us'] },
];

/** What GET /v1/mcp/servers lists: a bare array. */
export const mcpServers: JsonValue = [
  {
    id: '00000000-0000-4000-8000-000000000001',
    app_id: '00000000-0000-4000-8000-000000000002',
    process_type: 'mcp-weather',
    process_command: 'npm run mcp',
    server_status: 'registered',
    tools: [
      {
        name: 'forecast',
        namespaced_name: 'mcp-weather/forecast',
        description: 'The weather of the next days.',
        input_schema: { type: 'object', properties: { city: { type: 'string' } } },
      },
      {
        name: 'alerts',
        namespaced_name: 'mcp-weather/alerts',
        description: 'Warnings in force.',
        input_schema: { type: 'object', properties: {} },
      },
    ],
  },
];
