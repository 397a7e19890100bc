import type { JsonObject } from '../../base/request.ts';

/* Examples for parameters and bodies: tools that try an API (Portman, Dredd, Schemathesis) send these. */

const parameterExamples: Readonly<Record<string, string>> = {
  team: 'acme',
  user: 'ana',
  token: 'tok_8LwqZ3bT1mXc',
  session: 'ses_5RkqP0vN2yHd',
  end_user: 'visitor-17',
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
  'If-Match': '*',
};

/** By the last part of the path before it: what an `id` is depends on that. */
const idExamples: Readonly<Record<string, string>> = {
  models: 'claude-4-5-haiku',
  tokens: 'tok_8LwqZ3bT1mXc',
  admins: 'adm_7TfsK2wQ9zJb',
};

/** After the id `ana`. */
const cursorByIdExample = 'WyJpZCIsIiIsImFuYSJd';

const parameterByOperation: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  getAdminRefusals: { code: 'insufficient_quota' },
  getAdminTeams: { cursor: cursorByIdExample },
  getAdminTeamsTeamUsers: { cursor: cursorByIdExample },
  getAdminTeamsTeamTokens: { cursor: cursorByIdExample },
  getAdminAdmins: { cursor: cursorByIdExample },
  getAdminTokens: { cursor: 'WyJ0b2tlbnMiLCJhY21lIiwidG9rXzhMd3FaM2JUMW1YYyJd' },
};

const chatMessages = [{ role: 'user', content: 'Hello, who are you?' }];
const limits = [{ metric: 'tokens', window: 'day', max: 100_000 }];

const bodyExamples: Readonly<Record<string, JsonObject>> = {
  postV1ChatCompletions: { model: 'claude-4-5-haiku', messages: chatMessages, max_tokens: 200 },
  postV1Messages: { model: 'claude-4-5-haiku', messages: chatMessages, max_tokens: 200 },
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
  postAdminTeams: { id: 'acme', name: 'Acme', limits },
  patchAdminTeamsTeam: { name: 'Acme Ltd', limits },
  postAdminTeamsTeamUsers: { id: 'ana', name: 'Ana', email: 'ana@example.com' },
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
