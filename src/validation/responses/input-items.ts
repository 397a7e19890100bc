import { z } from 'zod';
import { type Conversation, isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { documented, schemaOf, textIn } from '../documented.ts';
import { anything, optionalText, requiredChoice, requiredText, requiredTextOf } from '../fields.ts';
import { type Findings, joinPath } from '../findings.ts';
import { ToolArguments } from '../endpoints/chat-tools.ts';
import { checkContent, contentSchema } from './input-content.ts';
import { OpenCalls } from './open-calls.ts';

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
        z
          .looseObject({ type: z.literal('item_reference').nullish(), id: z.string() })
          .meta({ description: 'Of an item that is kept (RESPONSES_STORE_BYTES).' }),
      ]),
    )
    .min(itemList.min)
    .max(itemList.max),
]);

const itemTypes = [
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'reasoning',
] as const;
type ItemKind = (typeof itemTypes)[number] | 'item_reference' | 'unknown';
const itemKinds: readonly ItemKind[] = [...itemTypes, 'item_reference'];

/** What an item is. Clients leave the type out of messages, and of references. */
export function kindOf({ type, role, id }: JsonObject): ItemKind {
  if (typeof type === 'string') return itemKinds.find((kind) => kind === type) ?? 'unknown';
  if (role !== undefined && role !== null) return 'message';
  return typeof id === 'string' ? 'item_reference' : 'unknown';
}

/** Whether it is what a model thought, or a reference to that: no chat has it. By their ids, the clients' and ours are alike. */
export function isReasoning(item: JsonObject): boolean {
  const kind = kindOf(item);
  return kind === 'reasoning' || (kind === 'item_reference' && textIn(item, 'id').startsWith('rs_'));
}

/** Checks `input`. */
export function checkInput(input: JsonValue | undefined, findings: Findings): void {
  if (typeof input === 'string') return;
  const checks = { findings, toolArguments: new ToolArguments(), calls: new OpenCalls(findings) };
  findings.objects(itemList, input, 'input', (item, path) => checkItem(item, path, checks));
  checks.calls.end();
}

interface ItemChecks {
  findings: Findings;
  toolArguments: ToolArguments;
  calls: OpenCalls;
}

const notKept =
  'refers to an item of an earlier answer that is not kept here; send the item itself (clients do so if you set store: false)';
const unknownType = `must be one of ${itemTypes.join(', ')}; leave items of other types out, such as those of tools that a provider runs`;

function checkItem(item: JsonObject, path: string, checks: ItemChecks): void {
  const { findings, calls } = checks;
  switch (kindOf(item)) {
    case 'message':
      findings.fields(messageFields, item, path);
      return checkContent(item['content'], joinPath(path, 'content'), findings);
    case 'function_call':
      findings.fields(functionCallFields, item, path);
      checkArguments(item['arguments'], path, checks);
      return calls.open(item, path);
    case 'custom_tool_call':
      findings.fields(customCallFields, item, path);
      return calls.open(item, path);
    case 'function_call_output':
    case 'custom_tool_call_output':
      findings.fields(outputFields, item, path);
      checkContent(item['output'], joinPath(path, 'output'), findings);
      return calls.close(item, path);
    case 'reasoning':
      return;
    case 'item_reference':
      if (!isReasoning(item)) findings.add(path, notKept);
      return;
    case 'unknown':
      findings.add(joinPath(path, 'type'), unknownType);
  }
}

function checkArguments(
  value: JsonValue | undefined,
  path: string,
  { findings, toolArguments }: ItemChecks,
): void {
  if (typeof value !== 'string' || toolArguments.areObject(value)) return;
  findings.add(
    joinPath(path, 'arguments'),
    'must be a string with the JSON of an object; if the answer it comes from was cut off (status "incomplete"), leave this call and its output out, or send "{}", and ask again with a larger max_output_tokens',
  );
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
      case 'unknown':
        return null;
    }
  },
};
