import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../base/request.ts';
import { documented, schemaOf, textIn } from '../documented.ts';
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
import { type DeclaredTool, declaredTools, sentName } from './declared-tools.ts';

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
export function checkTools(body: JsonObject, into: ToolFindings): readonly DeclaredTool[] | null {
  const { findings } = into;
  if (countIn(body) > toolList.max) {
    findings.add('tools', `must be an array of at most ${toolList.max} tools, those in namespaces included`);
    return null;
  }
  const checks = new ToolChecks(into);
  findings.objects(toolList, body['tools'], 'tools', (tool, path) => checks.tool(tool, path, ''));
  return declaredTools(body);
}

/** Checks one tool after the other. Their calls are told apart by the names that the upstream has for them. */
class ToolChecks {
  readonly #findings: Findings;
  readonly #unsupported: Findings;
  readonly #others = new Map<string, { path: string; isFunction: boolean }>();

  constructor({ findings, unsupported }: ToolFindings) {
    this.#findings = findings;
    this.#unsupported = unsupported;
  }

  tool(tool: JsonObject, path: string, namespace: string): void {
    const { type } = tool;
    if (typeof type !== 'string') return; // said already
    if (type === 'namespace' && namespace === '') {
      this.#findings.fields(ownTool, tool, path);
      this.#findings.objects(namespaceList, tool['tools'], joinPath(path, 'tools'), (inner, innerPath) => {
        this.tool(inner, innerPath, textIn(tool, 'name'));
      });
    } else if (type === 'function' || type === 'custom') {
      this.#findings.fields(ownTool, tool, path);
      if (type === 'custom') {
        this.#findings.optionalObject(formatFields, tool['format'], joinPath(path, 'format'));
      }
      const isFunction = type === 'function' && namespace === '';
      this.#name(sentName(namespace, textIn(tool, 'name')), { path, isFunction });
    } else {
      this.#unsupported.add(joinPath(path, 'type'), unsupportedType);
    }
  }

  /** Two functions outside of namespaces may share a name, as in a chat. */
  #name(sentAs: string, { path, isFunction }: { path: string; isFunction: boolean }): void {
    const other = this.#others.get(sentAs);
    if (other !== undefined && !(isFunction && other.isFunction)) {
      this.#findings.add(
        joinPath(path, 'name'),
        `is the same as that of ${other.path}, so their calls could not be told apart; rename one of them`,
      );
    }
    this.#others.set(sentAs, { path, isFunction });
  }
}

function countIn({ tools }: JsonObject): number {
  if (!Array.isArray(tools)) return 0;
  return tools.reduce<number>((count, tool) => {
    const inner = isJsonObject(tool) ? tool['tools'] : null;
    return count + 1 + (Array.isArray(inner) ? inner.length : 0);
  }, 0);
}
