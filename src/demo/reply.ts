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

/** What the stand-in answers to a conversation: words, or a tool call. */
export interface Reply {
  text: string;
  toolCall: ToolCall | null;
  /** The words were cut at the limit on tokens. */
  isCut: boolean;
  inputTokens: number;
  outputTokens: number;
}

interface ReplyOptions {
  /** `tools` and `tool_choice` of a chat completion. */
  tools: JsonObject;
  inputTokens: number;
  maxTokens: unknown;
  /** What is said at the end. */
  addition?: string;
}

/** The reply to the last message. */
export function replyTo(
  last: JsonObject | undefined,
  { tools, inputTokens, maxTokens, addition = '' }: ReplyOptions,
): Reply {
  const toolCall = last?.['role'] === 'user' ? toolCallFor(tools) : null;
  const whole = toolCall === null ? replyText(last?.['content']) + addition : '';
  const text = typeof maxTokens === 'number' ? whole.slice(0, maxTokens * 4) : whole;
  const outputTokens = tokens(toolCall === null ? text : toolCall.arguments);
  return { text, toolCall, isCut: text !== whole, inputTokens, outputTokens };
}

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text. */
  arguments: string;
}

/** The tool call that answers a user's message: the tool that `tool_choice` names, else the first; null without tools. */
function toolCallFor(body: JsonObject): ToolCall | null {
  const { tools, tool_choice: choice } = body;
  if (!Array.isArray(tools) || choice === 'none') return null;
  const functions = tools.map((tool) => objectAt(tool, 'function')).filter((each) => each !== null);
  const wanted = objectAt(choice, 'function')?.['name'];
  const chosen = functions.find((each) => each['name'] === wanted) ?? functions[0];
  const name = chosen?.['name'];
  if (typeof name !== 'string') return null;
  return { id: `call_${name}_1`, name, arguments: JSON.stringify(exampleOf(chosen?.['parameters'])) };
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

function objectAt(value: JsonValue | undefined, name: string): JsonObject | null {
  const inner = isJsonObject(value) ? value[name] : null;
  return isJsonObject(inner) ? inner : null;
}
