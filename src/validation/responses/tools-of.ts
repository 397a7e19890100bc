import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { objectsIn, textIn } from '../documented.ts';
import type { Adjustments } from './adjustments.ts';
import { choiceKey, type DeclaredTool, declaredTools, keysOf } from './declared-tools.ts';
import { toolFields } from './tools.ts';

/*
 * `tools` and `tool_choice` as a chat has them, of a body that was checked.
 */

/** `allowed_tools` is a hard bound (Open Responses, "Tool choice"): the model gets no others. */
export function toolsOf(body: JsonObject, adjustments: Adjustments): JsonObject {
  const declared = declaredTools(body);
  if (declared.length === 0) return {};
  const choice = body['tool_choice'];
  const allowed = allowedIn(choice);
  const offered = allowed === null ? declared : declared.filter((tool) => isNamed(tool, allowed));
  const described = new Set<string>();
  const chat: JsonObject = {
    tools: offered.map((tool) => {
      adjustments.unknown(toolFields, tool.tool, 'tools.*');
      const about = described.has(tool.namespace) ? '' : aboutNamespace(body, tool);
      described.add(tool.namespace);
      return {
        type: 'function',
        function: tool.isCustom ? functionOfCustom(tool, about) : functionOf(tool, about),
      };
    }),
  };
  if (declared.some(hasGrammar)) adjustments.note('tools.*.format=description');
  const parallel = body['parallel_tool_calls'];
  if (typeof parallel === 'boolean') chat['parallel_tool_calls'] = parallel;
  if (typeof choice === 'string') chat['tool_choice'] = choice;
  if (!isJsonObject(choice)) return chat;
  if (allowed !== null) return { ...chat, tool_choice: textIn(choice, 'mode') || 'auto' };
  const wanted = new Set([choiceKey(choice)]);
  const sentAs = declared.find((tool) => isNamed(tool, wanted))?.sentAs ?? '';
  return { ...chat, tool_choice: { type: 'function', function: { name: sentAs } } };
}

/** The keys of the only tools that may be called; null if all may. */
function allowedIn(choice: JsonValue | undefined): ReadonlySet<string> | null {
  if (!isJsonObject(choice) || choice['type'] !== 'allowed_tools') return null;
  return new Set(objectsIn(choice, 'tools').map(choiceKey));
}

function isNamed(tool: DeclaredTool, wanted: ReadonlySet<string>): boolean {
  return keysOf(tool).some((key) => wanted.has(key));
}

/** What a namespace says of itself stands in its first tool. */
function aboutNamespace(body: JsonObject, { namespace }: DeclaredTool): string {
  if (namespace === '') return '';
  const found = objectsIn(body, 'tools').find(({ type, name }) => type === 'namespace' && name === namespace);
  const text = found ? textIn(found, 'description') : '';
  return text === '' ? '' : `About all tools of ${namespace}: ${text}`;
}

function functionOf({ tool, sentAs }: DeclaredTool, about: string): JsonObject {
  const { description, parameters, strict } = tool;
  const declared: JsonObject = { name: sentAs };
  if (typeof description === 'string' || about !== '') {
    declared['description'] = paragraphs(textIn(tool, 'description'), about);
  }
  if (isJsonObject(parameters)) declared['parameters'] = parameters;
  // False is what a chat takes for granted.
  if (strict === true) declared['strict'] = true;
  return declared;
}

/** A custom tool as a function with one field. No upstream holds a model to a grammar, so the model is told of it. */
function functionOfCustom(custom: DeclaredTool, about: string): JsonObject {
  const { tool, sentAs } = custom;
  const description = paragraphs(textIn(tool, 'description'), about, grammarNote(custom));
  return {
    name: sentAs,
    ...(description !== '' && { description }),
    parameters: {
      type: 'object',
      properties: { input: { type: 'string', description: 'The input of the tool, as plain text.' } },
      required: ['input'],
      additionalProperties: false,
    },
  };
}

function hasGrammar({ tool: { format }, isCustom }: DeclaredTool): boolean {
  return isCustom && isJsonObject(format) && format['type'] === 'grammar';
}

function grammarNote(custom: DeclaredTool): string {
  const { format } = custom.tool;
  if (!hasGrammar(custom) || !isJsonObject(format)) return '';
  const syntax = textIn(format, 'syntax') || 'lark';
  return `The input must match this grammar (${syntax}):\n${textIn(format, 'definition')}`;
}

function paragraphs(...texts: string[]): string {
  return texts.filter((text) => text !== '').join('\n\n');
}
