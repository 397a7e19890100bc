import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import type { UpstreamKind } from '../validation/registry.ts';
import { objectsIn } from './reply.ts';

/** The most output tokens that a strict stand-in takes, for any model. */
export const strictMaxTokens = 8_192;

const outputFields = ['max_tokens', 'max_completion_tokens', 'max_tokens_per_inference_request'];
/** What the Messages API has gained since Heroku documented it. */
const laterFields: ReadonlySet<string> = new Set([
  'context_management',
  'output_config',
  'service_tier',
  'thread',
  'container',
  'store',
]);

/**
 * Why Heroku would refuse a body, in the words that it, or Anthropic behind it, was seen to use; null if it would not.
 * One problem at a time, as they do.
 */
export function strictProblem(kind: UpstreamKind, body: JsonObject): string | null {
  if (kind === 'messages')
    return laterField(body) ?? systemMessage(body) ?? tooManyTokens(body) ?? emptyText(body);
  if (kind === 'chat' || kind === 'agents') return tooManyTokens(body) ?? missingContent(body);
  return null;
}

function laterField(body: JsonObject): string | null {
  const field = Object.keys(body).find((name) => laterFields.has(name));
  return field === undefined ? null : `${field}: Extra inputs are not permitted`;
}

function systemMessage(body: JsonObject): string | null {
  const at = objectsIn(body['messages']).findIndex(({ role }) => role !== 'user' && role !== 'assistant');
  return at < 0 ? null : `messages.${at}.role: Input should be 'user' or 'assistant'`;
}

function tooManyTokens(body: JsonObject): string | null {
  for (const field of outputFields) {
    const asked = body[field];
    if (typeof asked !== 'number' || asked <= strictMaxTokens) continue;
    const model = typeof body['model'] === 'string' ? body['model'] : '';
    return `${field}: ${asked} > ${strictMaxTokens}, which is the maximum allowed number of output tokens for ${model}`;
  }
  return null;
}

function missingContent(body: JsonObject): string | null {
  const at = objectsIn(body['messages']).findIndex(({ content }) => isEmpty(content));
  return at < 0 ? null : `messages.${at}.content is required`;
}

function emptyText(body: JsonObject): string | null {
  const hasEmpty = objectsIn(body['messages']).some(({ content }) => isEmpty(content));
  return hasEmpty ? 'messages: text content blocks must be non-empty' : null;
}

function isEmpty(content: JsonValue | undefined): boolean {
  if (content === undefined || content === null || content === '') return true;
  if (!Array.isArray(content)) return false;
  return (
    content.length === 0 ||
    content.some((part) => isJsonObject(part) && part['type'] === 'text' && part['text'] === '')
  );
}
