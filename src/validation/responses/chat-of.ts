import type { JsonObject } from '../../base/request.ts';
import { numberIn, textIn } from '../documented.ts';
import type { Adjustments } from './adjustments.ts';
import { notSent } from './body-fields.ts';
import { messagesOf } from './messages-of.ts';
import { effortOf } from './reasoning.ts';
import { formatOf } from './text-format.ts';
import { toolsOf } from './tools-of.ts';

/** A body that was checked, as the body of a chat. Notes what a chat cannot say. */
export function chatOf(body: JsonObject, adjustments: Adjustments): JsonObject {
  const chat: JsonObject = {};
  for (const name in body) if (!notSent.has(name)) chat[name] = body[name] ?? null;
  chat['messages'] = messagesOf(textIn(body, 'instructions'), body['input'] ?? '', adjustments);
  const bound = numberIn(body, 'max_output_tokens');
  if (bound !== null) chat['max_tokens'] = bound;
  const format = formatOf(body, adjustments);
  if (format !== null) chat['response_format'] = format;
  const effort = effortOf(body, adjustments);
  if (effort !== '') chat['reasoning_effort'] = effort;
  noteLeftOut(body, adjustments);
  return Object.assign(chat, toolsOf(body, adjustments));
}

/** Only what the answer may lack: it is the same without `store` or `prompt_cache_key`. */
function noteLeftOut(body: JsonObject, adjustments: Adjustments): void {
  const tier = textIn(body, 'service_tier');
  if (tier !== '' && tier !== 'auto' && tier !== 'default') adjustments.note('service_tier');
  if (numberIn(body, 'max_tool_calls') !== null) adjustments.note('max_tool_calls');
  if ((numberIn(body, 'top_logprobs') ?? 0) > 0) adjustments.note('top_logprobs');
  if ((body['context_management'] ?? null) !== null) adjustments.note('context_management');
}
