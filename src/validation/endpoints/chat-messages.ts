import { z } from 'zod';
import { type Conversation, type JsonObject, isJsonObject } from '../../base/request.ts';
import { schemaOf, documented } from '../documented.ts';
import { anything, optionalText, requiredChoice, requiredText, requiredTextOf } from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';
import { checkToolCalls, ToolArguments, toolCallsSchema } from './chat-tools.ts';

/** `developer` is OpenAI's later name for `system`; only the upstream knows whether it takes it. */
const roles = ['system', 'developer', 'user', 'assistant', 'tool'];

/** The fields of all roles together, so that `Tool_Calls` is refused in any of them. */
const messageFields = documented({
  role: requiredChoice(roles),
  content: anything,
  refusal: optionalText,
  tool_calls: anything,
  tool_call_id: optionalText,
});
export const maxMessages = 2_000;
const messageList = {
  level: messageFields,
  min: 1,
  max: maxMessages,
  of: 'messages',
  isFlat: ({ content, role, tool_calls: calls }: JsonObject): boolean =>
    typeof content === 'string' && calls === undefined && role !== 'tool',
};

/** An unknown type of part is sent on as it is: the upstream knows whether it takes it. */
const partFields = documented({ type: requiredText, text: anything, image_url: anything });
const partList = { level: partFields, min: 0, max: 1_000, of: 'parts, or a string' };
const imageUrlFields = documented({ url: requiredTextOf(1), detail: optionalText });

const partSchema = schemaOf(partFields, {
  text: z.string().optional().meta({ description: 'Of a part of the type text.' }),
  image_url: schemaOf(imageUrlFields).optional().meta({ description: 'Of a part of the type image_url.' }),
});
const contentSchema = z
  .union([z.string(), z.array(partSchema).max(partList.max)])
  .nullish()
  .meta({ description: 'May be absent beside tool_calls or a refusal only.' });

/** What `checkMessages` checks, for the API's description. */
export const messagesSchema = z
  .array(schemaOf(messageFields, { content: contentSchema, tool_calls: toolCallsSchema }))
  .min(messageList.min)
  .max(messageList.max);

/** Checks `messages`. */
export function checkMessages(body: JsonObject, findings: Findings): void {
  const toolArguments = new ToolArguments();
  const toolCallIdRequired = body['allow_ignored_params'] !== true;
  findings.objects(messageList, body['messages'], 'messages', (message, path) => {
    checkToolCalls(message['tool_calls'], joinPath(path, 'tool_calls'), { findings, toolArguments });
    checkContent(message, joinPath(path, 'content'), findings);
    // One Python client leaves it out and says so with allow_ignored_params.
    if (message['role'] === 'tool' && toolCallIdRequired && !message['tool_call_id']) {
      findings.add(
        joinPath(path, 'tool_call_id'),
        'is required and must be the id of the tool call answered, unless allow_ignored_params is true',
      );
    }
  });
}

function checkContent(message: JsonObject, path: string, findings: Findings): void {
  const { role, content } = message;
  if (typeof content === 'string') return;
  if (role === 'assistant' && (content === undefined || content === null)) {
    if (!saysMore(message)) findings.add(path, 'is required unless the message has tool_calls or a refusal');
    return;
  }
  findings.objects(partList, content, path, (part, partPath) => {
    if (part['type'] === 'text' && typeof part['text'] !== 'string') {
      findings.add(joinPath(partPath, 'text'), 'is required in a text part and must be a string');
    }
    if (part['type'] === 'image_url') {
      findings.object(imageUrlFields, part['image_url'], joinPath(partPath, 'image_url'));
    }
  });
}

/** Whether an assistant's message without content says something else, in one of the fields that OpenAI documents. */
function saysMore({ tool_calls: calls, refusal, function_call: call, audio }: JsonObject): boolean {
  if (Array.isArray(calls) && calls.length > 0) return true;
  return (typeof refusal === 'string' && refusal !== '') || isJsonObject(call) || isJsonObject(audio);
}

/** The messages of the endpoints that have such. */
export const messagesConversation: Conversation = {
  field: 'messages',
  entries: (messages) => (Array.isArray(messages) ? messages : null),
  speaker(message) {
    const role = isJsonObject(message) ? message['role'] : undefined;
    return typeof role === 'string' ? { role, field: 'role' } : null;
  },
};
