import { type JsonObject, type JsonValue, isJsonObject } from '../../base/request.ts';
import { isEmptyArguments } from './tool-arguments.ts';

/*
 * What clients send and the upstream refuses, put right without changing what it means (docs/compatibility.md).
 * Of bodies that were checked. Nothing is copied that need not be changed.
 */

/** The body as the upstream takes it; the same object where it takes it as it is. */
export function mended(body: JsonObject): JsonObject {
  const messages = eachMended(body['messages'], mendedMessage);
  const tools = eachMended(body['tools'], mendedTool);
  if (messages === null && tools === null) return body;
  return { ...body, ...(messages && { messages }), ...(tools && { tools }) };
}

/** Beside tool calls no content is one that is left out: null, "" and [] are each refused by some model. */
function mendedMessage(message: JsonObject): JsonObject {
  const calls = message['tool_calls'];
  if (!Array.isArray(calls) || calls.length === 0 || message['role'] !== 'assistant') return message;
  const toolCalls = eachMended(calls, mendedCall);
  const whole = toolCalls === null ? message : { ...message, tool_calls: toolCalls };
  if (!('content' in message) || !isEmptyContent(message['content'])) return whole;
  const { content: _, ...rest } = whole;
  return rest;
}

/** Parts of text without a character are as empty as none. */
function isEmptyContent(content: JsonValue | undefined): boolean {
  if (content === undefined || content === null || content === '') return true;
  return Array.isArray(content) && content.every((part) => isJsonObject(part) && isEmptyText(part));
}

function isEmptyText({ type, text }: JsonObject): boolean {
  return type === 'text' && text === '';
}

function mendedCall(call: JsonObject): JsonObject {
  const { function: called } = call;
  if (!isJsonObject(called) || !isEmptyArguments(called['arguments'])) return call;
  return { ...call, function: { ...called, arguments: '{}' } };
}

/** `$schema` says which JSON Schema is meant, not what the parameters are; every zod tool has it. */
function mendedTool(tool: JsonObject): JsonObject {
  const { function: declared } = tool;
  if (
    !isJsonObject(declared) ||
    !isJsonObject(declared['parameters']) ||
    !('$schema' in declared['parameters'])
  ) {
    return tool;
  }
  const { $schema: _, ...parameters } = declared['parameters'];
  return { ...tool, function: { ...declared, parameters } };
}

/** A list with its objects mended; null where none needs it. */
function eachMended(list: JsonValue | undefined, mend: (item: JsonObject) => JsonObject): JsonValue[] | null {
  if (!Array.isArray(list)) return null;
  let copy: JsonValue[] | null = null;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index];
    if (!isJsonObject(item)) continue;
    const next = mend(item);
    if (next !== item) (copy ??= list.slice())[index] = next;
  }
  return copy;
}
