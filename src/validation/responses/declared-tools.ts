import { hash } from 'node:crypto';
import type { JsonObject } from '../../base/request.ts';
import { objectsIn, textIn } from '../documented.ts';

/* The tools of a body that was checked, and the names that the upstream has for them. */

/** A tool that the model may call. */
export interface DeclaredTool {
  tool: JsonObject;
  /** The namespace that has it; '' if none has. */
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

/** The name of a tool in a chat, which has no namespaces: both names, or what fits of them with a hash of them at the end. */
export function sentName(namespace: string, toolName: string): string {
  if (namespace === '') return toolName;
  const whole = `${namespace}__${toolName}`;
  if (whole.length <= longestName) return whole;
  const end = `_${hash('sha256', whole, 'hex').slice(0, 12)}`;
  return whole.slice(0, longestName - end.length) + end;
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
