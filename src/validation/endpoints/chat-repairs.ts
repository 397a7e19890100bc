import { type JsonObject, type JsonValue, isJsonObject } from '../../base/request.ts';
import { isEmptyArguments } from './chat-tools.ts';

/**
 * Repairs what clients send and the upstream would refuse, without a change of meaning (docs/compatibility.md). Takes a
 * body that was checked. Copies only what changes; returns the same object if nothing does.
 */
export function repaired(body: JsonObject): JsonObject {
  const messages = eachRepaired(body['messages'], repairedMessage);
  const tools = eachRepaired(body['tools'], repairedTool);
  if (messages === null && tools === null) return body;
  return { ...body, ...(messages && { messages }), ...(tools && { tools }) };
}

/** Beside tool calls, empty content is left out: each of null, "" and [] is refused by some model. */
function repairedMessage(message: JsonObject): JsonObject {
  const calls = message['tool_calls'];
  if (!Array.isArray(calls) || calls.length === 0 || message['role'] !== 'assistant') return message;
  const toolCalls = eachRepaired(calls, repairedCall);
  const whole = toolCalls === null ? message : { ...message, tool_calls: toolCalls };
  if (!('content' in message) || !isEmptyContent(message['content'])) return whole;
  const { content: _, ...rest } = whole;
  return rest;
}

/** A list of empty text parts counts as empty. */
function isEmptyContent(content: JsonValue | undefined): boolean {
  if (content === undefined || content === null || content === '') return true;
  return Array.isArray(content) && content.every((part) => isJsonObject(part) && isEmptyText(part));
}

function isEmptyText({ type, text }: JsonObject): boolean {
  return type === 'text' && text === '';
}

function repairedCall(call: JsonObject): JsonObject {
  const { function: called } = call;
  if (!isJsonObject(called) || !isEmptyArguments(called['arguments'])) return call;
  return { ...call, function: { ...called, arguments: '{}' } };
}

/** `$schema` says which JSON Schema is meant, not what the parameters are; every zod tool has it. */
function repairedTool(tool: JsonObject): JsonObject {
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

/** The list with its objects repaired; null if none needs it. */
function eachRepaired(
  list: JsonValue | undefined,
  repair: (item: JsonObject) => JsonObject,
): JsonValue[] | null {
  if (!Array.isArray(list)) return null;
  let copy: JsonValue[] | null = null;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index];
    if (!isJsonObject(item)) continue;
    const next = repair(item);
    if (next !== item) (copy ??= list.slice())[index] = next;
  }
  return copy;
}
