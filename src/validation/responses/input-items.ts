import { z } from 'zod';
import { type Conversation, isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { documented, schemaOf, textIn } from '../documented.ts';
import { anything, optionalText, requiredChoice, requiredText, requiredTextOf } from '../fields.ts';
import { type Findings, joinPath } from '../findings.ts';
import { ToolArguments } from '../endpoints/chat-tools.ts';
import { checkContent, contentSchema } from './input-content.ts';

/*
 * `input`: a string, which is a user's message, or items. Their types are those of the Open Responses specification,
 * and the calls of custom tools, which are OpenAI's.
 */

/** The fields of all types together, so that `Call_Id` is refused in any of them. */
export const itemFields = documented({
  type: optionalText,
  id: optionalText,
  status: optionalText,
  role: optionalText,
  content: anything,
  phase: optionalText,
  call_id: anything,
  name: anything,
  arguments: anything,
  input: anything,
  output: anything,
  namespace: optionalText,
  summary: anything,
  encrypted_content: anything,
});
/** A turn with a tool is three items: reasoning, call and output. They make two messages. */
const itemList = {
  level: itemFields,
  min: 1,
  max: 6_000,
  of: 'items, or a string',
  isFlat: (item: JsonObject): boolean =>
    typeof item['content'] === 'string' && kindOf(item) === 'message' && roles.includes(textIn(item, 'role')),
};

export const roles = ['user', 'assistant', 'system', 'developer'];
const callId = requiredTextOf(1, 256);
const name = requiredTextOf(1, 256);
const messageFields = documented({ role: requiredChoice(roles) });
const functionCallFields = documented({ call_id: callId, name, arguments: requiredText });
const customCallFields = documented({ call_id: callId, name, input: requiredText });
const outputFields = documented({ call_id: callId });

/** What `checkInput` checks, for the API's description. */
export const inputSchema = z.union([
  z.string(),
  z
    .array(
      z.union([
        schemaOf(messageFields, { role: requiredChoice(roles) }).and(
          z.looseObject({ type: z.literal('message').nullish(), content: contentSchema }),
        ),
        schemaOf(functionCallFields).and(z.looseObject({ type: z.literal('function_call') })),
        schemaOf(customCallFields).and(z.looseObject({ type: z.literal('custom_tool_call') })),
        schemaOf(outputFields).and(
          z.looseObject({
            type: z.enum(['function_call_output', 'custom_tool_call_output']),
            output: contentSchema,
          }),
        ),
        z.looseObject({ type: z.literal('reasoning') }),
      ]),
    )
    .min(itemList.min)
    .max(itemList.max),
]);

/** The type of an item. Clients leave it out of messages, and of references. */
export function kindOf({ type, role, id }: JsonObject): string {
  if (typeof type === 'string') return type;
  if (role !== undefined && role !== null) return 'message';
  return typeof id === 'string' ? 'item_reference' : '';
}

/** Whether it is what a model thought, or a reference to that: no chat has it. By their ids, the clients' and ours are alike. */
export function isReasoning(item: JsonObject): boolean {
  const kind = kindOf(item);
  return kind === 'reasoning' || (kind === 'item_reference' && textIn(item, 'id').startsWith('rs_'));
}

/** Checks `input`. */
export function checkInput(input: JsonValue | undefined, findings: Findings): void {
  if (typeof input === 'string') return;
  const toolArguments = new ToolArguments();
  const calls = new OpenCalls(findings);
  findings.objects(itemList, input, 'input', (item, path) => {
    switch (kindOf(item)) {
      case 'message':
        findings.fields(messageFields, item, path);
        checkContent(item['content'], joinPath(path, 'content'), findings);
        return;
      case 'function_call':
        findings.fields(functionCallFields, item, path);
        checkArguments(item['arguments'], path, { findings, toolArguments });
        calls.open(item, path);
        return;
      case 'custom_tool_call':
        findings.fields(customCallFields, item, path);
        calls.open(item, path);
        return;
      case 'function_call_output':
      case 'custom_tool_call_output':
        findings.fields(outputFields, item, path);
        checkContent(item['output'], joinPath(path, 'output'), findings);
        calls.close(item, path);
        return;
      case 'reasoning':
        return;
      case 'item_reference':
        if (isReasoning(item)) return;
        findings.add(
          path,
          'refers to an item of an earlier answer that is not kept here; send the item itself (clients do so if you set store: false)',
        );
        return;
      default:
        findings.add(
          joinPath(path, 'type'),
          `must be one of ${itemTypes.join(', ')}; leave items of other types out, such as those of tools that a provider runs`,
        );
    }
  });
  calls.end();
}

const itemTypes = [
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'reasoning',
];

function checkArguments(
  value: JsonValue | undefined,
  path: string,
  { findings, toolArguments }: { findings: Findings; toolArguments: ToolArguments },
): void {
  if (typeof value !== 'string' || toolArguments.areObject(value)) return;
  findings.add(
    joinPath(path, 'arguments'),
    'must be a string with the JSON of an object; if the answer it comes from was cut off (status "incomplete"), leave this call and its output out, or send "{}", and ask again with a larger max_output_tokens',
  );
}

/** Pairs calls with their outputs. Some models number their calls anew in each turn, so an id may come again. */
class OpenCalls {
  readonly #findings: Findings;
  /** Their ids, and paths. */
  readonly #open = new Map<string, string>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  open(call: JsonObject, path: string): void {
    const id = textIn(call, 'call_id');
    const other = this.#open.get(id);
    if (other !== undefined && id !== '') {
      this.#findings.add(
        joinPath(path, 'call_id'),
        `is that of ${other} too, which has no output before this; give each call an id of its own`,
      );
    }
    this.#open.set(id, path);
  }

  close(output: JsonObject, path: string): void {
    const id = textIn(output, 'call_id');
    if (id === '' || this.#open.delete(id)) return;
    this.#findings.add(
      joinPath(path, 'call_id'),
      'must be the call_id of a call before it that has no other output; send that call too',
    );
  }

  end(): void {
    for (const [id, path] of this.#open) {
      if (id !== '') this.#findings.add(path, 'needs its output: an item after it with the same call_id');
      if (this.#findings.full) return;
    }
  }
}

/** Calls and their outputs count as a tool's words. */
export const itemsConversation: Conversation = {
  field: 'input',
  entries(input) {
    if (typeof input === 'string') return [{ role: 'user', content: input }];
    return Array.isArray(input) ? input : null;
  },
  speaker(item) {
    if (!isJsonObject(item)) return null;
    switch (kindOf(item)) {
      case 'message':
        return typeof item['role'] === 'string' ? { role: item['role'], field: 'role' } : null;
      case 'function_call':
      case 'custom_tool_call':
      case 'function_call_output':
      case 'custom_tool_call_output':
        return { role: 'tool', field: 'type' };
      case 'reasoning':
      case 'item_reference':
        return { role: 'assistant', field: 'type' };
      default:
        return null;
    }
  },
};
