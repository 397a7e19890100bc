import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';

/** Estimated at four characters a token. */
export function tokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** The words of a text, each with the space before it. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
}

/** The text of a message's content: a string, or parts. */
export function textOf(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (isJsonObject(part) ? textOfPart(part) : '')).join(' ');
}

/** A part's own text, or the text inside a tool's result. */
function textOfPart({ text, content }: JsonObject): string {
  return typeof text === 'string' ? text : textOf(content);
}

/** The stand-in's reply to a message. */
export function replyText(content: JsonValue | undefined): string {
  const heard = textOf(content).replaceAll(/\s+/g, ' ').trim().slice(0, 200);
  return `This is a stand-in for Heroku Inference, not a model. You said: ${heard || 'nothing'}`;
}

/** The objects of a list. */
export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** What the stand-in answers to a conversation: words, or tool calls. */
export interface Reply {
  text: string;
  /** The thoughts before them; empty if none were asked for. */
  thinking: string;
  toolCalls: readonly ToolCall[];
  /** The words were cut at the limit on tokens. */
  isCut: boolean;
  inputTokens: number;
  outputTokens: number;
}

interface ReplyOptions {
  /** `tools`, `tool_choice` and `parallel_tool_calls` of a chat completion. */
  tools: JsonObject;
  inputTokens: number;
  maxTokens: unknown;
  thinks?: boolean;
  /** The JSON schema that the words must fit. */
  schema?: JsonObject | null;
  /** What is said at the end. */
  addition?: string;
}

/** The reply to the last message. */
export function replyTo(
  last: JsonObject | undefined,
  { tools, inputTokens, maxTokens, thinks = false, schema = null, addition = '' }: ReplyOptions,
): Reply {
  const toolCalls = last?.['role'] === 'user' ? toolCallsFor(tools, textOf(last['content'])) : [];
  const said = schema ? JSON.stringify(exampleOf(schema)) : replyText(last?.['content']) + addition;
  const whole = toolCalls.length === 0 ? said : '';
  const text = typeof maxTokens === 'number' ? whole.slice(0, maxTokens * 4) : whole;
  const thinking = thinks ? 'I do not think. I say what I heard.' : '';
  const outputTokens = tokens([thinking, text, ...toolCalls.map((each) => each.arguments)].join(''));
  return { text, thinking, toolCalls, isCut: text !== whole, inputTokens, outputTokens };
}

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text. */
  arguments: string;
}

/**
 * The calls that answer a user's message: of the tool that `tool_choice` names, else of all that the message names if it
 * names several, else of the first. None without tools.
 */
function toolCallsFor(body: JsonObject, heard: string): ToolCall[] {
  const { tools, tool_choice: choice, parallel_tool_calls: mayBeSeveral } = body;
  if (!Array.isArray(tools) || choice === 'none') return [];
  const functions = tools.map((tool) => objectAt(tool, 'function')).filter((each) => each !== null);
  const wanted = objectAt(choice, 'function')?.['name'];
  const chosen = functions.find(({ name }) => name === wanted);
  const words = new Set(heard.match(/[\w-]+/g));
  const named = functions.filter(({ name }) => typeof name === 'string' && words.has(name));
  const areSeveral = chosen === undefined && mayBeSeveral !== false && named.length > 1;
  const called = areSeveral ? named : [chosen ?? functions[0]];
  return called.flatMap((each, at) => {
    const name = each?.['name'];
    if (typeof name !== 'string') return [];
    const example = JSON.stringify(exampleOf(each?.['parameters']));
    return [{ id: `call_${name}_${at + 1}`, name, arguments: example }];
  });
}

/** A value that fits a JSON schema, as far as the stand-in understands it. */
function exampleOf(schema: JsonValue | undefined): JsonValue {
  const properties = objectAt(schema, 'properties');
  if (properties !== null) {
    return Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, exampleOf(each)]));
  }
  if (!isJsonObject(schema)) return {};
  const { enum: choices, type } = schema;
  if (Array.isArray(choices) && choices[0] !== undefined) return choices[0];
  if (type === 'string') return 'example';
  if (type === 'number' || type === 'integer') return 1;
  if (type === 'boolean') return true;
  return type === 'array' ? [] : {};
}

/** The object at a name of an object; null if it is none. */
export function objectAt(value: JsonValue | undefined, name: string): JsonObject | null {
  const inner = isJsonObject(value) ? value[name] : null;
  return isJsonObject(inner) ? inner : null;
}
