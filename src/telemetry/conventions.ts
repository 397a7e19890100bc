import type { ModelKind } from '../base/model.ts';

/*
 * OpenTelemetry's semantic conventions, at one version. Those for GenAI are not stable and have moved to a repository of
 * their own since: another version here is a change of what dashboards read, and belongs into the changelog.
 */

export const conventionsVersion = '1.45.0';
export const schemaUrl = `https://opentelemetry.io/schemas/${conventionsVersion}`;

/** Every attribute of a span that the conventions name. */
export const names = {
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
  resendCount: 'http.request.resend_count',
  path: 'url.path',
  scheme: 'url.scheme',
  fullUrl: 'url.full',
  template: 'url.template',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  errorType: 'error.type',
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestStream: 'gen_ai.request.stream',
  responseModel: 'gen_ai.response.model',
  firstChunkS: 'gen_ai.response.time_to_first_chunk',
  outputType: 'gen_ai.output.type',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
} as const;

/** Every attribute of a span that only this gateway has. */
export const ownNames = {
  team: 'tollgate.team',
  user: 'tollgate.user',
  token: 'tollgate.token_id',
  session: 'tollgate.session_id',
  requestId: 'tollgate.request_id',
  outcome: 'tollgate.outcome',
  limit: 'tollgate.limit',
  usage: 'tollgate.usage',
  images: 'tollgate.images',
  attachment: 'tollgate.attachment',
  givenUp: 'tollgate.given_up',
  queueWaitS: 'tollgate.queue_wait',
  awaited: 'tollgate.awaited',
} as const;

/** The conventions know no such provider; they allow other names. */
export const provider = 'heroku';

/** What a request does, by `gen_ai.operation.name`. The conventions have no word for images alone, and none for ranking. */
export const operations = {
  chat: 'chat',
  embeddings: 'embeddings',
  images: 'generate_content',
  rerank: 'rerank',
} as const satisfies Record<ModelKind, string>;

/** Of resources. */
export const resourceNames = {
  version: 'service.version',
  instance: 'service.instance.id',
  dyno: 'dyno',
  dynoId: 'heroku.dyno.id',
  app: 'heroku.app.name',
} as const;
