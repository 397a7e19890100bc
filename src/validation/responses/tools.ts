import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { documented, objectsIn, schemaOf, textIn } from '../documented.ts';
import {
  anything,
  nothing,
  optionalFlag,
  optionalObject,
  optionalText,
  requiredChoice,
  requiredText,
  requiredTextOf,
} from '../fields.ts';
import { type Findings, joinPath } from '../findings.ts';

/*
 * The caller's own tools: functions, and `custom` tools, whose input is plain text. Providers' tools run nowhere here.
 */

const name = requiredTextOf(1, 256);

export const toolFields = documented({
  type: requiredText,
  name: anything,
  description: optionalText,
  parameters: optionalObject,
  strict: optionalFlag,
  format: anything,
  function: nothing('belongs to chat completions; write name, description and parameters beside type'),
});
const toolList = { level: toolFields, max: 512, of: 'tools' };
const ownTool = documented({ name });
const formatFields = documented({
  type: requiredChoice(['text', 'grammar']),
  syntax: optionalText,
  definition: optionalText,
});

const modes = ['none', 'auto', 'required'];
const choiceFields = documented({
  type: requiredText,
  name: anything,
  mode: anything,
  tools: anything,
  function: nothing('belongs to chat completions; write name beside type'),
});
const allowedFields = documented({ mode: requiredChoice(['auto', 'required']) });
const allowedTool = documented({ type: requiredChoice(['function', 'custom']), name });
const allowedList = { level: allowedTool, min: 1, max: toolList.max, of: 'tools' };

/* What the functions below check, for the API's description. */

export const toolsSchema = z
  .array(
    z.union([
      z.looseObject({
        type: z.literal('function'),
        name,
        description: optionalText,
        parameters: optionalObject,
        strict: optionalFlag,
      }),
      z.looseObject({
        type: z.literal('custom'),
        name,
        description: optionalText,
        format: schemaOf(formatFields).nullish(),
      }),
    ]),
  )
  .max(toolList.max)
  .nullish();
export const toolChoiceSchema = z
  .union([
    z.enum(modes),
    z.looseObject({ type: z.enum(['function', 'custom']), name }),
    z.looseObject({
      type: z.literal('allowed_tools'),
      mode: z.enum(['auto', 'required']),
      tools: z.array(schemaOf(allowedTool)).min(allowedList.min).max(allowedList.max),
    }),
  ])
  .nullish();

/** Where the two kinds of problems go: what is wrong, and what no gateway of this kind can do. */
export interface ToolFindings {
  findings: Findings;
  unsupported: Findings;
}

/** Checks `tools`. What is inside `parameters` is not checked. */
export function checkTools(body: JsonObject, { findings, unsupported }: ToolFindings): void {
  const names = new Map<string, { path: string; isCustom: boolean }>();
  findings.objects(toolList, body['tools'], 'tools', (tool, path) => {
    const { type } = tool;
    if (typeof type !== 'string') return; // said already
    if (type !== 'function' && type !== 'custom') {
      unsupported.add(joinPath(path, 'type'), unsupportedType);
      return;
    }
    findings.fields(ownTool, tool, path);
    const isCustom = type === 'custom';
    if (isCustom) findings.optionalObject(formatFields, tool['format'], joinPath(path, 'format'));
    const other = names.get(textIn(tool, 'name'));
    if (other !== undefined && (isCustom || other.isCustom)) {
      findings.add(
        joinPath(path, 'name'),
        `is that of ${other.path} too; a custom tool needs a name of its own`,
      );
    }
    names.set(textIn(tool, 'name'), { path, isCustom });
  });
}

const unsupportedType =
  'must be function or custom: nothing runs the tools of a provider here. Leave it out, or run such a tool yourself and describe it as a function';

/** Checks `tool_choice`: a mode, one of the tools given, or some of them. */
export function checkToolChoice(body: JsonObject, { findings, unsupported }: ToolFindings): void {
  const choice = body['tool_choice'];
  if (choice === undefined || choice === null) return;
  if (!isJsonObject(choice)) {
    if (typeof choice !== 'string' || !modes.includes(choice)) {
      findings.add('tool_choice', `must be one of ${modes.join(', ')}, or {type, name}`);
    } else if (choice === 'required' && objectsIn(body, 'tools').length === 0) {
      findings.add('tool_choice', 'is required, but there are no tools');
    }
    return;
  }
  findings.fields(choiceFields, choice, 'tool_choice');
  const given = new Set(objectsIn(body, 'tools').map((tool) => textIn(tool, 'name')));
  const checkName = (object: JsonObject, path: string): void => {
    const wanted = object['name'];
    if (typeof wanted === 'string' && wanted !== '' && !given.has(wanted)) {
      findings.add(joinPath(path, 'name'), 'must be the name of one of the tools given');
    }
  };
  switch (choice['type']) {
    case 'function':
    case 'custom':
      findings.fields(ownTool, choice, 'tool_choice');
      checkName(choice, 'tool_choice');
      return;
    case 'allowed_tools':
      findings.fields(allowedFields, choice, 'tool_choice');
      findings.objects(allowedList, choice['tools'], 'tool_choice.tools', checkName);
      return;
    default:
      if (typeof choice['type'] === 'string') unsupported.add('tool_choice.type', unsupportedType);
  }
}

/** The names of the tools whose input is plain text. */
export function customToolsIn(body: JsonObject): ReadonlySet<string> {
  const custom = objectsIn(body, 'tools').filter(({ type }) => type === 'custom');
  return custom.length === 0 ? noNames : new Set(custom.map((tool) => textIn(tool, 'name')));
}
const noNames: ReadonlySet<string> = new Set();

/** `tools` and `tool_choice` as a chat has them, of fields that were checked. Of allowed tools the others are left out. */
export function chatTools(body: JsonObject): JsonObject {
  const tools = objectsIn(body, 'tools');
  if (tools.length === 0) return {};
  const choice = body['tool_choice'];
  const parallel = body['parallel_tool_calls'];
  const chat: JsonObject = { tools: tools.map(chatTool) };
  if (typeof parallel === 'boolean') chat['parallel_tool_calls'] = parallel;
  if (typeof choice === 'string') chat['tool_choice'] = choice;
  if (!isJsonObject(choice)) return chat;
  if (choice['type'] !== 'allowed_tools') {
    return { ...chat, tool_choice: { type: 'function', function: { name: textIn(choice, 'name') } } };
  }
  const allowed = new Set(objectsIn(choice, 'tools').map((tool) => textIn(tool, 'name')));
  return {
    ...chat,
    tools: tools.filter((tool) => allowed.has(textIn(tool, 'name'))).map(chatTool),
    tool_choice: textIn(choice, 'mode'),
  };
}

function chatTool(tool: JsonObject): JsonObject {
  if (tool['type'] === 'custom') return { type: 'function', function: functionOfCustom(tool) };
  const { description, parameters, strict } = tool;
  const declared: JsonObject = { name: textIn(tool, 'name') };
  if (typeof description === 'string') declared['description'] = description;
  if (isJsonObject(parameters)) declared['parameters'] = parameters;
  // False is what a chat takes for granted.
  if (strict === true) declared['strict'] = true;
  return { type: 'function', function: declared };
}

/** A custom tool as a function with one field. No upstream holds a model to a grammar, so the model is told of it. */
function functionOfCustom(tool: JsonObject): JsonObject {
  const description = [textIn(tool, 'description'), grammarNote(tool['format'])].filter(
    (text) => text !== '',
  );
  return {
    name: textIn(tool, 'name'),
    ...(description.length > 0 && { description: description.join('\n\n') }),
    parameters: {
      type: 'object',
      properties: { input: { type: 'string', description: 'The input of the tool, as plain text.' } },
      required: ['input'],
      additionalProperties: false,
    },
  };
}

function grammarNote(format: JsonValue | undefined): string {
  if (!isJsonObject(format) || format['type'] !== 'grammar') return '';
  return `The input must match this grammar (${textIn(format, 'syntax') || 'lark'}):\n${textIn(format, 'definition')}`;
}
