import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { adminRoutes } from '../../../../src/admin/admin-app.ts';
import type { DocumentedRoute } from '../../../../src/base/operation-docs.ts';
import { Refusal } from '../../../../src/base/refusal.ts';
import type { Endpoint, JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { openApiDocument } from '../../../../src/operations/openapi/openapi.ts';
import { endpoints } from '../../../../src/validation/registry.ts';
import { DocumentedApi } from '../../../support/described-api.ts';
import { Harness } from '../../../integration/admin/harness.ts';

/*
 * What a described body says of a value, against what happens to it: every field of every body, and of what is inside,
 * with every kind of value.
 */

const values: readonly JsonValue[] = [
  null,
  true,
  'x',
  '',
  -1,
  0,
  1,
  1.5,
  5_000_000_000,
  [],
  ['x'],
  [1],
  ['x', 'x'],
  {},
  { type: 'function' },
  [{}],
  [{ metric: 'requests', window: 'day', max: 1 }],
  [{ metric: 'cost_usd', window: 'day', max: 0.5 }],
  [{ metric: 'concurrency', window: 'day', max: 1 }],
  { team: { limits: null } },
  '2999-01-01T00:00:00Z',
  'x'.repeat(3_000),
  '😀'.repeat(2_000),
];

/** Bodies that differ from a valid one in one field. */
function* variations(valid: JsonObject, fields: readonly string[]): Generator<[string, JsonObject]> {
  for (const field of [...fields, 'unheard_of']) {
    for (const value of values) yield [field, { ...valid, [field]: value }];
    yield [field, Object.fromEntries(Object.entries(valid).filter(([name]) => name !== field))];
  }
}

/** Those that the schema and the check do not say the same of. */
function disagreements(
  bodies: Iterable<[string, JsonObject]>,
  says: { schema: (body: JsonObject) => boolean; check: (body: JsonObject) => boolean },
): string[] {
  const found: string[] = [];
  for (const [field, body] of bodies) {
    const [bySchema, byCheck] = [says.schema(body), says.check(body)];
    if (bySchema !== byCheck)
      found.push(`${field}: ${JSON.stringify(body).slice(0, 200)} ${bySchema ? 'schemaOf' : 'taken'}`);
  }
  return found;
}

const adminPlane: DocumentedRoute[] = adminRoutes(new Harness().deps());
const dataPlane: DocumentedRoute[] = endpoints.map(({ path, docs }) => ({
  path,
  methods: {
    POST: {
      docs: {
        summary: docs.summary,
        body: { schema: docs.body, required: true, mediaType: 'application/json' },
        answer: { status: 200, content: {} },
      },
      access: 'user',
    },
  },
}));
const api = new DocumentedApi(openApiDocument({ version: '1', routes: [...dataPlane, ...adminPlane] }));

function fieldsOf(name: string): string[] {
  const { requestBody } = api.operation(name);
  return Object.keys(requestBody?.content['application/json']?.schema.properties ?? {});
}

describe.each(endpoints.map((endpoint): [string, Endpoint] => [endpoint.path, endpoint]))(
  '%s',
  (path, endpoint) => {
    const name = `POST ${path}`;
    const check = (body: JsonObject): boolean => !(endpoint.validate(body, () => null) instanceof Refusal);
    const schema = (body: JsonObject): boolean => api.takes(name, body);

    it('is described as it is checked, whatever stands in a field', () => {
      expect(fieldsOf(name).length).toBeGreaterThan(3);
      // A choice must be of a tool that is given, which no schema says.
      const fields = fieldsOf(name).filter((field) => field !== 'tool_choice');
      expect(disagreements(variations(endpoint.minimalBody, fields), { schema, check })).toEqual([]);
    });
  },
);

describe('the parts of a chat', () => {
  const [chat] = endpoints;
  const check = (body: JsonObject): boolean => !(chat?.validate(body, () => null) instanceof Refusal);
  const schema = (body: JsonObject): boolean => api.takes('POST /v1/chat/completions', body);
  const parts: [string, JsonObject, string[], (part: JsonObject) => JsonObject][] = [
    [
      'a message',
      { role: 'user', content: 'x' },
      ['role', 'refusal', 'tool_calls', 'tool_call_id'],
      (message) => ({ messages: [message] }),
    ],
    [
      'a part of type image_url',
      { type: 'image_url', image_url: { url: 'x' } },
      ['type'],
      (part) => ({ messages: [{ role: 'user', content: [part] }] }),
    ],
    [
      'an image',
      { url: 'x' },
      ['url', 'detail'],
      (image) => ({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: image }] }] }),
    ],
    [
      'a function',
      { name: 'f', parameters: {} },
      ['name', 'description', 'parameters'],
      (f) => ({ tools: [{ type: 'function', function: f }] }),
    ],
    [
      'a tool call',
      { id: 'c', type: 'function', function: { name: 'f' } },
      ['id', 'type'],
      (call) => ({ messages: [{ role: 'assistant', tool_calls: [call] }] }),
    ],
    [
      'what is called',
      { name: 'f', arguments: '{}' },
      ['name', 'arguments'],
      (f) => ({ messages: [{ role: 'assistant', tool_calls: [{ function: f }] }] }),
    ],
    [
      'stream_options',
      { include_usage: true },
      ['include_usage'],
      (options) => ({ stream_options: options }),
    ],
    [
      'extended_thinking',
      { enabled: false },
      ['enabled', 'budget_tokens', 'include_reasoning'],
      (thinking) => ({ extended_thinking: thinking }),
    ],
  ];

  it.each(parts)('%s is described as it is checked', (_name, valid, fields, around) => {
    const least = { model: 'any', messages: [{ role: 'user', content: '-' }] };
    const bodies = [...variations(valid, fields)].map(([field, part]): [string, JsonObject] => [
      field,
      { ...least, ...around(part) },
    ]);
    expect(disagreements(bodies, { schema, check })).toEqual([]);
  });
});

describe('bodies of the admin API', () => {
  /** Of what is made, the least there must be. */
  const least: Record<string, JsonObject> = {
    'POST /admin/teams': { id: 'acme' },
    'POST /admin/teams/{team}/users': { id: 'ana' },
    'POST /admin/teams/{team}/tokens': { user: 'ana' },
    'POST /admin/admins': { role: 'auditor' },
    'POST /admin/webhooks': { url: 'https://hooks.example.com' },
    'POST /admin/teams/{team}/webhooks': { url: 'https://hooks.example.com' },
    'PUT /admin/prices/{model}': { prices: [] },
  };
  /** What is checked beyond what a schema can say: origins and addresses, and which roles have teams. */
  const unsaid: Record<string, readonly string[]> = {
    'POST /admin/teams': ['origins'],
    'PATCH /admin/teams/{team}': ['origins'],
    'POST /admin/teams/{team}/tokens': ['origins'],
    'PATCH /admin/teams/{team}/tokens/{id}': ['origins'],
    'POST /admin/admins': ['role', 'teams'],
    'POST /admin/webhooks': ['url'],
    'PATCH /admin/webhooks/{id}': ['url'],
    'POST /admin/teams/{team}/webhooks': ['url'],
    'PATCH /admin/teams/{team}/webhooks/{id}': ['url'],
  };
  const bodied = adminPlane.flatMap(({ path, methods }) =>
    Object.entries(methods).flatMap(([method, { docs }]): [string, z.ZodType][] => {
      // An import's rows are checked one by one, by what they are to the store.
      if (docs.body === undefined || path === '/admin/import') return [];
      return [[`${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')}`, docs.body.schema]];
    }),
  );

  it.each(bodied)('%s is described as it is checked', (name, checked) => {
    const schema = (body: JsonObject): boolean => api.takes(name, body);
    const check = (body: JsonObject): boolean => checked.safeParse(body).success;
    const fields = fieldsOf(name).filter((field) => !unsaid[name]?.includes(field));
    expect(fields.length).toBeGreaterThan(0);
    expect(disagreements(variations(least[name] ?? {}, fields), { schema, check })).toEqual([]);
  });
});

const seeds: [string, string][] = [
  ['chat', '/v1/chat/completions'],
  ['chat-tools', '/v1/chat/completions'],
  ['chat-tool-result', '/v1/chat/completions'],
  ['embeddings', '/v1/embeddings'],
  ['images', '/v1/images/generations'],
];
it.each(seeds)('the seed body %s is one that %s is described to take', (name, path) => {
  const text = readFileSync(new URL(`../../../fixtures/seeds/${name}.json`, import.meta.url), 'utf8');
  expect(api.takes(`POST ${path}`, JSON.parse(text))).toBe(true);
});
