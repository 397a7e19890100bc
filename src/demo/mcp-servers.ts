import type { JsonValue } from '../base/request.ts';

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
