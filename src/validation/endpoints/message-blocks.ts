import { z } from 'zod';
import { type JsonObject, type JsonValue, isJsonObject } from '../../base/request.ts';
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

const maxMessages = 2_000;
const maxBlocks = 1_000;

const messageFields = documented({ role: requiredChoice(['user', 'assistant']), content: anything });

const named = { type: requiredText, cache_control: anything };
/** Of all types together, so that `Tool_Use_Id` is refused wherever it stands. */
const anyBlock = documented({
  ...named,
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
export const textBlockFields = documented({
  type: requiredChoice(['text']),
  text: requiredText,
  cache_control: anything,
});

/** What each type of block must have. One this gateway does not know goes on: the upstream knows whether it takes it. */
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

/** What `checkContents` checks, for the API's description: each type of block has fields of its own besides. */
export const messagesSchema = z
  .array(
    schemaOf(messageFields, { content: z.union([z.string(), z.array(schemaOf(anyBlock)).max(maxBlocks)]) }),
  )
  .min(1)
  .max(maxMessages);

/** Checks `messages`, stopping when there are more problems than an answer tells. */
export function checkContents(body: JsonObject, findings: Findings): void {
  const messages = findings.list(body['messages'], 'messages', { min: 1, max: maxMessages, of: 'messages' });
  for (const [index, item] of (messages ?? []).entries()) {
    if (findings.full) return;
    const path = `messages.${index}`;
    const message = findings.object(messageFields, item, path);
    if (message) checkContent(message['content'], joinPath(path, 'content'), findings);
  }
}

function checkContent(content: JsonValue | undefined, path: string, findings: Findings): void {
  if (typeof content === 'string') return;
  if (!Array.isArray(content) || content.length > maxBlocks) {
    const required = content === undefined || content === null ? 'is required and ' : '';
    findings.add(path, `${required}must be a string or an array of at most ${maxBlocks} blocks`);
    return;
  }
  for (const [index, block] of content.entries()) {
    if (findings.full) return;
    checkBlock(block, joinPath(path, index), findings);
  }
}

function checkBlock(value: JsonValue, path: string, findings: Findings): void {
  const block = findings.object(anyBlock, value, path);
  const { type } = block ?? {};
  const fields = typeof type === 'string' ? blockFields.get(type) : undefined;
  if (!block || !fields) return;
  findings.fields(fields, block, path);
  if (type === 'image' || type === 'document')
    checkSource(block['source'], joinPath(path, 'source'), findings);
  if (type !== 'tool_result') return;
  const { content } = block;
  if (content !== undefined && content !== null) checkContent(content, joinPath(path, 'content'), findings);
}

function checkSource(value: JsonValue | undefined, path: string, findings: Findings): void {
  const source = findings.object(sourceFields, value, path);
  if (source?.['type'] === 'base64') findings.fields(base64Fields, source, path);
}

/**
 * What of checked messages is no text: images count a flat figure each. Of a document's base64 a quarter is counted
 * as if it were text, since pages of PDF take some 32 kB and 2,600 tokens; one that is fetched by the upstream counts as an image.
 */
export function dataIn(body: JsonObject): { imageParts: number; imageUrlBytes: number } {
  const found = { imageParts: 0, imageUrlBytes: 0 };
  for (const message of listIn(body, 'messages')) {
    for (const block of listIn(message, 'content')) {
      countData(block, found);
      if (block['type'] === 'tool_result')
        for (const inner of listIn(block, 'content')) countData(inner, found);
    }
  }
  return found;
}

function countData(block: JsonObject, found: { imageParts: number; imageUrlBytes: number }): void {
  const { type, source } = block;
  if ((type !== 'image' && type !== 'document') || !isJsonObject(source)) return;
  const { data, url } = source;
  const isEncoded = source['type'] === 'base64' && typeof data === 'string';
  if (type === 'image') {
    found.imageParts += 1;
    found.imageUrlBytes += writtenBytes(isEncoded ? data : url);
  } else if (isEncoded) {
    found.imageUrlBytes += Math.floor((writtenBytes(data) * 3) / 4);
  } else if (source['type'] === 'url' || source['type'] === 'file') {
    found.imageParts += 1;
  }
}

/** Bytes of a string as JSON writes it, less the two quotes. */
function writtenBytes(value: JsonValue | undefined): number {
  return typeof value === 'string' ? Buffer.byteLength(JSON.stringify(value)) - 2 : 0;
}

function listIn(object: JsonObject, field: string): JsonObject[] {
  const value = object[field];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
