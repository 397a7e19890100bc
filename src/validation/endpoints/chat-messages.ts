import { z } from 'zod';
import { type JsonObject, type JsonValue, isJsonObject } from '../../base/request.ts';
import { schemaOf, documented } from '../documented.ts';
import { anything, optionalText, requiredChoice, requiredText, requiredTextOf } from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';
import { checkToolCalls, toolCallsSchema } from './chat-tools.ts';
import { ToolArguments } from './tool-arguments.ts';

const maxMessages = 2_000;
const maxParts = 1_000;

/** `developer` is OpenAI's later name for `system`; whether it is known is for the upstream to say. */
const roles = ['system', 'developer', 'user', 'assistant', 'tool'];

/** The fields of all roles together, so that `Tool_Calls` is refused wherever it stands. */
const messageFields = documented({
  role: requiredChoice(roles),
  content: anything,
  refusal: optionalText,
  tool_calls: anything,
  tool_call_id: optionalText,
});

/** A type of part this gateway does not know goes on as it is: the upstream knows whether it takes it. */
const partFields = documented({ type: requiredText, text: anything, image_url: anything });
const imageUrlFields = documented({ url: requiredTextOf(1), detail: optionalText });

const partSchema = schemaOf(partFields, {
  text: z.string().optional().meta({ description: 'Of a part of the type text.' }),
  image_url: schemaOf(imageUrlFields).optional().meta({ description: 'Of a part of the type image_url.' }),
});
const contentSchema = z
  .union([z.string(), z.array(partSchema).max(maxParts)])
  .nullish()
  .meta({ description: 'May be absent beside tool_calls only.' });

/** What `checkMessages` checks, for the API's description. */
export const messagesSchema = z
  .array(schemaOf(messageFields, { content: contentSchema, tool_calls: toolCallsSchema }))
  .min(1)
  .max(maxMessages);

/** Checks `messages`, stopping when there are more problems than an answer tells. */
export function checkMessages(body: JsonObject, findings: Findings): void {
  const messages = findings.list(body['messages'], 'messages', { min: 1, max: maxMessages, of: 'messages' });
  const toolArguments = new ToolArguments();
  const toolCallIdRequired = body['allow_ignored_params'] !== true;
  for (const [index, item] of (messages ?? []).entries()) {
    if (findings.full) return;
    const path = `messages.${index}`;
    const message = findings.object(messageFields, item, path);
    if (!message) continue;
    checkToolCalls(message['tool_calls'], joinPath(path, 'tool_calls'), { findings, toolArguments });
    checkContent(message, path, findings);
    // One Python client leaves it out and says so with allow_ignored_params.
    if (message['role'] === 'tool' && toolCallIdRequired && !message['tool_call_id']) {
      findings.add(
        joinPath(path, 'tool_call_id'),
        'is required and must be the id of the tool call answered, unless allow_ignored_params is true',
      );
    }
  }
}

function checkContent(message: JsonObject, messagePath: string, findings: Findings): void {
  const { role, content, tool_calls: toolCalls } = message;
  if (typeof content === 'string') return;
  const path = joinPath(messagePath, 'content');
  const absent = content === undefined || content === null;
  if (role === 'assistant' && absent) {
    if (Array.isArray(toolCalls) && toolCalls.length > 0) return;
    findings.add(path, 'is required unless the message has tool_calls');
    return;
  }
  if (!Array.isArray(content) || content.length > maxParts) {
    const required = absent ? 'is required and ' : '';
    findings.add(path, `${required}must be a string or an array of at most ${maxParts} parts`);
    return;
  }
  for (const [index, part] of content.entries()) {
    if (findings.full) return;
    checkPart(part, joinPath(path, index), findings);
  }
}

function checkPart(value: JsonValue, path: string, findings: Findings): void {
  const part = findings.object(partFields, value, path);
  if (part?.['type'] === 'text' && typeof part['text'] !== 'string') {
    findings.add(joinPath(path, 'text'), 'is required in a text part and must be a string');
  }
  if (part?.['type'] === 'image_url') {
    findings.object(imageUrlFields, part['image_url'], joinPath(path, 'image_url'));
  }
}

/** The image parts of messages that were checked, and the bytes their URLs take in the JSON written out. */
export function imagesIn(body: JsonObject): { imageParts: number; imageUrlBytes: number } {
  let imageParts = 0;
  let imageUrlBytes = 0;
  const { messages } = body;
  for (const message of Array.isArray(messages) ? messages : []) {
    const content = isJsonObject(message) ? message['content'] : null;
    for (const part of Array.isArray(content) ? content : []) {
      if (!isJsonObject(part) || part['type'] !== 'image_url' || !isJsonObject(part['image_url'])) continue;
      imageParts++;
      // Less the two quotes.
      imageUrlBytes += Buffer.byteLength(JSON.stringify(part['image_url']['url'])) - 2;
    }
  }
  return { imageParts, imageUrlBytes };
}
