import type { JsonObject } from '../base/request.ts';

export const chatFields: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'top_p',
  'top_k',
  'tools',
  'tool_choice',
  'tool_options',
  'parallel_tool_calls',
  'reasoning_effort',
  'extended_thinking',
  'response_format',
  'modalities',
  'user',
  'metadata',
  'n',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'logit_bias',
  'logprobs',
  'allow_ignored_params',
]);

export const embeddingsFields: ReadonlySet<string> = new Set([
  'model',
  'input',
  'input_type',
  'encoding_format',
  'embedding_type',
  'allow_ignored_params',
]);

export const imagesFields: ReadonlySet<string> = new Set([
  'model',
  'prompt',
  'aspect_ratio',
  'negative_prompt',
  'output_format',
  'size',
  'seed',
  // Not documented, but sent by clients in use.
  'n',
  'quality',
  'response_format',
  'allow_ignored_params',
]);

export const messagesFields: ReadonlySet<string> = new Set([
  'model',
  'max_tokens',
  'messages',
  'system',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'stream',
  'metadata',
  'thinking',
  'tools',
  'tool_choice',
  'mcp_servers',
  // Of Anthropic's SDK and its betas.
  'thread',
  'service_tier',
  'output_config',
  'allow_ignored_params',
]);

export const rerankFields: ReadonlySet<string> = new Set([
  'model',
  'query',
  'documents',
  'top_n',
  'allow_ignored_params',
]);

export const agentsFields: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'max_tokens_per_inference_request',
  'stop',
  'stream',
  'temperature',
  'top_p',
  'tools',
  'allow_ignored_params',
]);

/** What is wrong with a body's top-level fields: the upstream does not take fields it does not know. */
export function fieldProblem(
  body: JsonObject,
  known: ReadonlySet<string>,
  required: readonly string[],
): string | null {
  const missing = required.filter((name) => body[name] === undefined);
  if (missing.length > 0) return `Missing required parameter: ${missing.join(', ')}`;
  if (body['allow_ignored_params'] === true) return null;
  const unknown = Object.keys(body).filter((name) => !known.has(name));
  return unknown.length > 0 ? `Unsupported parameter: ${unknown.join(', ')}` : null;
}
