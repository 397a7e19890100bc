import type { JsonObject, JsonValue } from '../../base/request.ts';

/* Examples for parameters and bodies: tools that try an API (Portman, Dredd, Schemathesis) send these. */

const parameterExamples: Readonly<Record<string, string>> = {
  team: 'acme',
  user: 'ana',
  token: 'tok_8LwqZ3bT1mXc',
  session: 'ses_5RkqP0vN2yHd',
  end_user: 'visitor-17',
  tag: 'project=website',
  top: '10',
  code: '0123456789abcdef0123456789abcdef01234567',
  model: 'claude-4-5-haiku',
  endpoint: '/v1/chat/completions',
  outcome: 'ok',
  actor: 'ADMIN_KEY',
  operation: 'token.create',
  from: '2026-11-01',
  to: '2026-11-30',
  group_by: 'user',
  format: 'json',
  bom: 'false',
  limit: '100',
  cursor: '1764500000000-0',
  q: 'ana',
  sort: 'id',
  state: 'working',
  unused_since: '2026-08-01',
  expires_within: '604800',
  ended_before: '2026-08-01',
  usage: 'true',
  all: 'false',
  overwrite: 'false',
  period: '7d',
  erase: 'false',
  raise: 'rse_4NcvT6yK8wLe',
  'If-Match': '*',
  'Idempotency-Key': '8e03978e-40d5-43e8-bc93-6894a57f9324',
};

/** By the last part of the path before it: what an `id` is depends on that. */
const idExamples: Readonly<Record<string, string>> = {
  models: 'claude-4-5-haiku',
  tokens: 'tok_8LwqZ3bT1mXc',
  admins: 'adm_7TfsK2wQ9zJb',
  webhooks: 'wh_6GdnS1xP4kRa',
};

/** After the id `ana`. */
const cursorByIdExample = 'WyJpZCIsIiIsImFuYSJd';

const limitId = '9Vb3KpX0wQzR';

const parameterByOperation: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  getAdminRefusals: { code: 'insufficient_quota' },
  postAdminTeamsTeamLimitsLimitRaise: { limit: limitId },
  postAdminTeamsTeamUsersUserLimitsLimitRaise: { limit: limitId },
  postAdminTeamsTeamTokensIdLimitsLimitRaise: { limit: limitId },
  getAdminTeams: { cursor: cursorByIdExample },
  getAdminTeamsTeamUsers: { cursor: cursorByIdExample },
  getAdminTeamsTeamTokens: { cursor: cursorByIdExample },
  getAdminAdmins: { cursor: cursorByIdExample },
  getAdminTokens: { cursor: 'WyJ0b2tlbnMiLCJhY21lIiwidG9rXzhMd3FaM2JUMW1YYyJd' },
};

const chatMessages = [{ role: 'user', content: 'Hello, who are you?' }];
const limits = [{ metric: 'tokens', window: 'day', max: 100_000 }];

const aRaise = { by: 50_000, until: '2026-12-01T00:00:00.000Z' };

const aWebhook = { url: 'https://hooks.example.com/tollgate', name: 'Pager' };

const bodyExamples: Readonly<Record<string, JsonObject>> = {
  postV1ChatCompletions: { model: 'claude-4-5-haiku', messages: chatMessages, max_tokens: 200 },
  postV1Responses: {
    model: 'claude-4-5-haiku',
    instructions: 'Answer in one sentence.',
    input: 'Hello, who are you?',
    max_output_tokens: 200,
  },
  postV1Messages: { model: 'claude-4-5-haiku', messages: chatMessages, max_tokens: 200 },
  postV1ResponsesInputTokens: { model: 'claude-4-5-haiku', input: 'Hello, who are you?' },
  postV1MessagesCountTokens: { model: 'claude-4-5-haiku', messages: chatMessages },
  postV1Embeddings: { model: 'cohere-embed-multilingual', input: ['Ships turn at the lighthouse.'] },
  postV1ImagesGenerations: { model: 'stable-image-ultra', prompt: 'A lighthouse in fog' },
  postV1Rerank: {
    model: 'cohere-rerank-3-5',
    query: 'Where do ships turn?',
    documents: ['Ships turn at the lighthouse.', 'Bread is baked at six.'],
  },
  postV1AgentsHeroku: { model: 'claude-4-5-haiku', messages: chatMessages },
  postV1MeRotate: { overlap_seconds: 3_600 },
  postV1Sessions: { expires_in: 900, models: ['claude-4-5-haiku'] },
  postOauthToken: {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    subject_token: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl',
  },
  postLeaks: {
    token: 'tgk_Example0Example0Example0Example0Exampl0iwHC0',
    url: 'https://github.com/octocat/Hello-World/blob/12345600b9cbe38a219f39a9941c9319b600c002/foo/bar.txt',
  },
  postAdminTeams: { id: 'acme', name: 'Acme', limits },
  patchAdminTeamsTeam: { name: 'Acme Ltd', limits },
  postAdminTeamsTeamUsers: { id: 'ana', name: 'Ana', email: 'ana@example.com' },
  postAdminTeamsTeamLimitsLimitRaise: aRaise,
  postAdminTeamsTeamUsersUserLimitsLimitRaise: aRaise,
  postAdminTeamsTeamTokensIdLimitsLimitRaise: aRaise,
  patchAdminTeamsTeamUsersUser: { name: 'Ana Silva' },
  postAdminTeamsTeamTokens: { user: 'ana', name: 'laptop', expires_in: 2_592_000 },
  patchAdminTeamsTeamTokensId: { name: 'old laptop' },
  postAdminTeamsTeamTokensIdRotate: { overlap_seconds: 3_600 },
  putAdminPricesModel: {
    prices: [
      { usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 5 },
      { from: '2099-01-01', usd_per_million_input_tokens: 2, usd_per_million_output_tokens: 8 },
    ],
  },
  postAdminWebhooks: aWebhook,
  postAdminTeamsTeamWebhooks: { ...aWebhook, events: ['limit.reached', 'token.leaked'] },
  patchAdminWebhooksId: { name: 'The pager' },
  patchAdminTeamsTeamWebhooksId: { events: null },
  postAdminWebhooksIdRotate: { overlap_seconds: 3_600 },
  postAdminTeamsTeamWebhooksIdRotate: { overlap_seconds: 3_600 },
  patchAdminSettings: { limits },
  postAdminAdmins: { name: 'Bo', role: 'auditor' },
  postAdminImport: {
    tollgate_export: 1,
    exported_at: '2026-11-01T09:30:00.000Z',
    teams: [],
    users: [],
    tokens: [],
  },
};

const json = 'application/json';
const events = 'text/event-stream';
const greeting = 'Hello! I am Claude.';
const chatUsage = { prompt_tokens: 13, completion_tokens: 9, total_tokens: 22 };
const chunk = { id: 'chatcmpl-18a2c9f', object: 'chat.completion.chunk', created: 1_764_495_000 };
const aMessage = {
  type: 'message',
  id: 'msg_18a2c9f0',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: greeting, annotations: [], logprobs: [] }],
};
const aResponse = {
  id: 'resp_18a2c9f',
  object: 'response',
  created_at: 1_764_495_000,
  completed_at: 1_764_495_001,
  status: 'completed',
  incomplete_details: null,
  error: null,
  model: 'claude-4-5-haiku',
  output: [aMessage],
  usage: {
    input_tokens: 13,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 22,
  },
  store: false,
};
const html = '<!doctype html>…';

/** Of what an upstream answers, and of answers that are no JSON. All others are made of their schemas. */
const answerExamples: Readonly<Record<string, Readonly<Record<string, JsonValue>>>> = {
  postV1ChatCompletions: {
    [json]: {
      id: 'chatcmpl-18a2c9f',
      object: 'chat.completion',
      created: 1_764_495_000,
      model: 'claude-4-5-haiku',
      choices: [{ index: 0, message: { role: 'assistant', content: greeting }, finish_reason: 'stop' }],
      usage: chatUsage,
    },
    [events]: frames(
      { ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: greeting } }] },
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: chatUsage },
    ),
  },
  postV1Responses: {
    [json]: aResponse,
    [events]: [
      {
        type: 'response.output_text.delta',
        item_id: aMessage.id,
        output_index: 0,
        content_index: 0,
        delta: greeting,
      },
      { type: 'response.completed', response: aResponse },
    ]
      .map(
        (event, at) =>
          `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: at + 4 })}\n\n`,
      )
      .join(''),
  },
  postV1Messages: {
    [json]: {
      id: 'msg_18a2c9f',
      type: 'message',
      role: 'assistant',
      model: 'claude-4-5-haiku',
      content: [{ type: 'text', text: greeting }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 13, output_tokens: 9 },
    },
    [events]: `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: greeting } })}\n\n`,
  },
  postV1AgentsHeroku: {
    [events]: frames({
      ...chunk,
      choices: [{ index: 0, message: { role: 'assistant', content: greeting } }],
    }),
  },
  postV1Embeddings: {
    [json]: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.0174, -0.0391, 0.0052] }],
      model: 'cohere-embed-multilingual',
      usage: { prompt_tokens: 8, total_tokens: 8 },
    },
  },
  postV1ImagesGenerations: {
    [json]: {
      created: 1_764_495_000,
      data: [{ b64_json: 'iVBORw0KGgo…', revised_prompt: 'A lighthouse in fog' }],
    },
  },
  postV1Rerank: {
    [json]: {
      id: 'rerank-18a2c9f',
      results: [
        { index: 0, relevance_score: 0.96 },
        { index: 1, relevance_score: 0.02 },
      ],
      meta: { billed_units: { search_units: 1 } },
    },
  },
  getV1McpServers: {
    [json]: [{ id: 'srv_1', process_type: 'mcp', tools: [{ name: 'mcp-weather/forecast' }] }],
  },
  getOpenapiJson: { [json]: { openapi: '3.1.1' } },
  getMetrics: {
    'text/plain': '# HELP tollgate_requests_total Requests.\n# TYPE tollgate_requests_total counter\n…',
  },
  getAdminUsage: {
    'text/csv': 'user,requests,input_tokens,output_tokens,…\nana,128,20480,10770,…\n',
    'application/x-ndjson': '{"user":"ana","requests":128,"input_tokens":20480,…}\n',
  },
  getAdminRequests: {
    'text/csv':
      'id,request_id,time,team,user,…\n1764495000000-0,7d1e6f0a…,2026-11-30T09:30:00.000Z,acme,ana,…\n',
    'application/x-ndjson': '{"id":"1764495000000-0","request_id":"7d1e6f0a…",…}\n',
  },
  getAdminRefusals: {
    'text/csv': 'code,refused,last_at\ninsufficient_quota,7,2026-11-30T09:30:00.000Z\n',
    'application/x-ndjson':
      '{"code":"insufficient_quota","refused":7,"last_at":"2026-11-30T09:30:00.000Z"}\n',
  },
  getAdminAudit: {
    'text/csv': 'sequence,time,actor,…\n41,2026-11-30T09:30:00.000Z,root,…\n',
    'application/x-ndjson': '{"sequence":41,"time":"2026-11-30T09:30:00.000Z","actor":"root",…}\n',
  },
  getRoot: { 'text/html': html },
  getDocs: { 'text/html': html },
  getClaimCode: { 'text/html': html },
  postClaimCode: { 'text/html': html },
};

/** A stream as OpenAI has them. */
function frames(...chunks: readonly object[]): string {
  const texts = [...chunks.map((each) => JSON.stringify(each)), '[DONE]'];
  return texts.map((text) => `data: ${text}\n\n`).join('');
}

/** What an operation may answer in a media type; null if its schema says that. */
export function answerExample(operationId: string, mediaType: string): JsonValue | null {
  return answerExamples[operationId]?.[mediaType] ?? null;
}

/** What a parameter may be; null if nothing is known, which a test does not let pass. */
export function parameterExample(
  { operationId, path }: { operationId: string; path: string },
  name: string,
): string | null {
  const own = parameterByOperation[operationId]?.[name];
  if (own !== undefined) return own;
  if (name !== 'id') return parameterExamples[name] ?? null;
  const [, collection = ''] = /\/(\w+)\/:id/.exec(path) ?? [];
  return idExamples[collection] ?? null;
}

/** What the body of an operation may be; null if nothing is known, which a test does not let pass. */
export function bodyExample(operationId: string): JsonObject | null {
  return bodyExamples[operationId] ?? null;
}
