import { z } from 'zod';
import type { JsonObject, JsonValue } from '../../base/request.ts';
import { schemaOf, documented, type Documented } from '../documented.ts';
import {
  anything,
  optionalFlag,
  optionalText,
  requiredChoice,
  requiredObject,
  requiredText,
  requiredTextOf,
} from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';

/** `system` is for the models that take it there; for others it is moved into `system` (docs/compatibility.md). */
const messageFields = documented({
  role: requiredChoice(['user', 'assistant', 'system']),
  content: anything,
});
const messageList = {
  level: messageFields,
  min: 1,
  max: 2_000,
  of: 'messages',
  isFlat: ({ content }: JsonObject): boolean => typeof content === 'string',
};

/** The fields of all types together, so that `Tool_Use_Id` is refused in any of them. */
const anyBlock = documented({
  type: requiredText,
  cache_control: anything,
  text: anything,
  source: anything,
  title: anything,
  context: anything,
  citations: anything,
  id: anything,
  name: anything,
  input: anything,
  tool_use_id: anything,
  content: anything,
  is_error: anything,
  thinking: anything,
  signature: anything,
  data: anything,
});
const blockList = { level: anyBlock, min: 0, max: 1_000, of: 'blocks, or a string' };
export const textBlockFields = documented({
  type: requiredChoice(['text']),
  text: requiredText,
  cache_control: anything,
});

/** What each type of block must have. An unknown type is sent on: the upstream knows whether it takes it. */
const blockFields: ReadonlyMap<string, Documented> = new Map([
  ['text', documented({ text: requiredText })],
  ['image', documented({ source: anything })],
  ['document', documented({ source: anything, title: optionalText, context: optionalText })],
  ['tool_use', documented({ id: requiredTextOf(1), name: requiredTextOf(1), input: requiredObject })],
  ['tool_result', documented({ tool_use_id: requiredTextOf(1), content: anything, is_error: optionalFlag })],
  ['thinking', documented({ thinking: requiredText, signature: optionalText })],
  ['redacted_thinking', documented({ data: requiredText })],
]);

const sourceFields = documented({
  type: requiredText,
  media_type: optionalText,
  data: anything,
  url: optionalText,
  file_id: optionalText,
  content: anything,
});
const base64Fields = documented({ media_type: requiredText, data: requiredTextOf(1) });

/** What `checkMessages` checks, for the API's description. Each type of block also has fields of its own. */
export const messagesSchema = z
  .array(
    schemaOf(messageFields, {
      content: z.union([z.string(), z.array(schemaOf(anyBlock)).max(blockList.max)]),
    }),
  )
  .min(messageList.min)
  .max(messageList.max);

/** Checks `messages`. */
export function checkMessages(body: JsonObject, findings: Findings): void {
  findings.objects(messageList, body['messages'], 'messages', (message, path) => {
    checkContent(message['content'], joinPath(path, 'content'), findings);
  });
}

function checkContent(content: JsonValue | undefined, path: string, findings: Findings): void {
  if (typeof content === 'string') return;
  findings.objects(blockList, content, path, (block, blockPath) => checkBlock(block, blockPath, findings));
}

function checkBlock(block: JsonObject, path: string, findings: Findings): void {
  const { type, source, content } = block;
  const fields = typeof type === 'string' ? blockFields.get(type) : undefined;
  if (!fields) return;
  findings.fields(fields, block, path);
  if (type === 'image' || type === 'document') checkSource(source, joinPath(path, 'source'), findings);
  if (type === 'tool_result' && content !== undefined && content !== null) {
    checkContent(content, joinPath(path, 'content'), findings);
  }
}

function checkSource(value: JsonValue | undefined, path: string, findings: Findings): void {
  const source = findings.object(sourceFields, value, path);
  if (source?.['type'] === 'base64') findings.fields(base64Fields, source, path);
}
