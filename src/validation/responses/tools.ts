import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../base/request.ts';
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
 * `tools`: the caller's own. Functions; `custom` tools, whose input is plain text; and namespaces of both, as Codex sends
 * them. The tools of providers run nowhere here.
 */

const name = requiredTextOf(1, 256);

/** The fields of all types together, so that `Parameters` is refused in any of them. */
export const toolFields = documented({
  type: requiredText,
  name: anything,
  description: optionalText,
  parameters: optionalObject,
  strict: optionalFlag,
  format: anything,
  tools: anything,
  function: nothing('belongs to chat completions; write name, description and parameters beside type'),
});
const toolList = { level: toolFields, max: 512, of: 'tools' };
const namespaceList = { ...toolList, min: 1 };
const ownTool = documented({ name });
const formatFields = documented({
  type: requiredChoice(['text', 'grammar']),
  syntax: optionalText,
  definition: optionalText,
});

const functionSchema = z.looseObject({
  type: z.literal('function'),
  name,
  description: optionalText,
  parameters: optionalObject,
  strict: optionalFlag,
});
const customSchema = z.looseObject({
  type: z.literal('custom'),
  name,
  description: optionalText,
  format: schemaOf(formatFields).nullish(),
});

/** What `checkTools` checks, for the API's description. */
export const toolsSchema = z
  .array(
    z.union([
      functionSchema,
      customSchema,
      z.looseObject({
        type: z.literal('namespace'),
        name,
        description: optionalText,
        tools: z
          .array(z.union([functionSchema, customSchema]))
          .min(namespaceList.min)
          .max(toolList.max),
      }),
    ]),
  )
  .max(toolList.max)
  .nullish();

/** Where the two kinds of problems go: what is wrong, and what only a provider could do. */
export interface ToolFindings {
  findings: Findings;
  unsupported: Findings;
}

export const unsupportedType =
  'must be function or custom: nothing runs the tools of a provider here; leave it out (in Codex: web_search = "disabled"), or run such a tool yourself and describe it as a function';

/** Checks `tools`; gives them, or null if there are too many. What is inside `parameters` is not checked. */
export function checkTools(
  body: JsonObject,
  { findings, unsupported }: ToolFindings,
): readonly DeclaredTool[] | null {
  if (countIn(body) > toolList.max) {
    findings.add('tools', `must be an array of at most ${toolList.max} tools, those in namespaces included`);
    return null;
  }
  /** By the name that the upstream gets. */
  const others = new Map<string, { path: string; isFunction: boolean }>();
  const check = (tool: JsonObject, path: string, namespace: string): void => {
    const { type } = tool;
    if (typeof type !== 'string') return; // said already
    if (type === 'namespace' && namespace === '') {
      findings.fields(ownTool, tool, path);
      findings.objects(namespaceList, tool['tools'], joinPath(path, 'tools'), (inner, innerPath) => {
        check(inner, innerPath, textIn(tool, 'name'));
      });
      return;
    }
    if (type !== 'function' && type !== 'custom') {
      unsupported.add(joinPath(path, 'type'), unsupportedType);
      return;
    }
    findings.fields(ownTool, tool, path);
    if (type === 'custom') findings.optionalObject(formatFields, tool['format'], joinPath(path, 'format'));
    const sentAs = sentName(namespace, textIn(tool, 'name'));
    const other = others.get(sentAs);
    const isFunction = type === 'function' && namespace === '';
    if (other !== undefined && !(isFunction && other.isFunction)) {
      findings.add(
        joinPath(path, 'name'),
        `is that of ${other.path} too, so that nobody could tell their calls apart`,
      );
    }
    others.set(sentAs, { path, isFunction });
  };
  findings.objects(toolList, body['tools'], 'tools', (tool, path) => check(tool, path, ''));
  return declaredTools(body);
}

function countIn({ tools }: JsonObject): number {
  if (!Array.isArray(tools)) return 0;
  return tools.reduce<number>((count, tool) => {
    const inner = isJsonObject(tool) ? tool['tools'] : null;
    return count + 1 + (Array.isArray(inner) ? inner.length : 0);
  }, 0);
}

/** A tool that the model may call. */
export interface DeclaredTool {
  tool: JsonObject;
  /** The namespace it is in; '' if it is in none. */
  namespace: string;
  /** The name that the upstream has it by. */
  sentAs: string;
  isCustom: boolean;
}

/** The tools of a body that was checked. */
export function declaredTools(body: JsonObject): readonly DeclaredTool[] {
  return objectsIn(body, 'tools').flatMap((tool) => {
    if (tool['type'] !== 'namespace') return [declared(tool, '')];
    return objectsIn(tool, 'tools').map((inner) => declared(inner, textIn(tool, 'name')));
  });
}

function declared(tool: JsonObject, namespace: string): DeclaredTool {
  const sentAs = sentName(namespace, textIn(tool, 'name'));
  return { tool, namespace, sentAs, isCustom: tool['type'] === 'custom' };
}

/** Models refuse longer names. */
const longestName = 64;

/** The name of a tool in a chat, which has no namespaces. A name of two that would be too long ends in a hash. */
export function sentName(namespace: string, toolName: string): string {
  if (namespace === '') return toolName;
  const whole = `${namespace}__${toolName}`;
  if (whole.length <= longestName) return whole;
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 12);
  return `${whole.slice(0, longestName - hash.length - 1)}_${hash}`;
}

/** What a `tool_choice`, or a tool in its list, names. */
export function choiceKey(choice: JsonObject): string {
  return keyOf(textIn(choice, 'namespace'), choice);
}

/** The keys by which a `tool_choice` may name a tool: the namespace may be left out. */
export function keysOf({ namespace, tool }: DeclaredTool): readonly string[] {
  return namespace === '' ? [keyOf('', tool)] : [keyOf('', tool), keyOf(namespace, tool)];
}

function keyOf(namespace: string, tool: JsonObject): string {
  return `${namespace}\n${textIn(tool, 'name')}`;
}
