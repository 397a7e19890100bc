import { z } from 'zod';
import type { JsonObject } from '../../base/request.ts';
import { schemaOf, documented, numberIn } from '../documented.ts';
import { endpointOf, type EndpointRules } from '../endpoint.ts';
import {
  anything,
  model,
  optionalFlag,
  optionalInteger,
  optionalNumberIn,
  optionalText,
  requiredChoice,
  requiredInteger,
} from '../fields.ts';
import type { Findings } from '../findings.ts';
import { checkOutputBound, checkTemperatureWithThinking, minThinkingBudget } from './chat.ts';
import { countMedia } from '../media.ts';
import { messagesConversation } from './chat-messages.ts';
import { checkMessages, messagesSchema, textBlockFields } from './message-blocks.ts';
import {
  checkMessageTools,
  choiceSchema,
  serversSchema,
  toolsSchema,
  remoteMessageToolsIn,
} from './message-tools.ts';

/** Anthropic's Messages API, as in Dev Center, heroku-inference-api-v1-messages. Newer fields are sent on as they are. */
const fieldTypes = {
  model,
  // 0 fills the upstream's prompt cache and writes nothing.
  max_tokens: requiredInteger(0),
  messages: anything,
  system: anything,
  temperature: optionalNumberIn(0, 1),
  top_p: optionalNumberIn(0, 1),
  top_k: optionalInteger(0),
  stop_sequences: anything,
  stream: optionalFlag,
  metadata: anything,
  thinking: anything,
  tools: anything,
  tool_choice: anything,
  mcp_servers: anything,
};
const fields = documented(fieldTypes);
const countedFields = documented({ ...fieldTypes, max_tokens: optionalInteger(0) });

const stops = { max: 256, of: 'strings' };
const systemBlocks = { level: textBlockFields, max: 1_000, of: 'text blocks, or a string' };
const metadataFields = documented({ user_id: optionalText });
const thinkingFields = documented({
  type: requiredChoice(['enabled', 'disabled', 'adaptive', 'between_tools']),
  budget_tokens: optionalInteger(minThinkingBudget),
});

/** The schemas of what code checks. */
const schemas = {
  messages: messagesSchema,
  system: z.union([z.string(), z.array(schemaOf(textBlockFields)).max(systemBlocks.max)]).nullish(),
  stop_sequences: z.array(z.string()).max(stops.max).nullish(),
  metadata: schemaOf(metadataFields).nullish(),
  thinking: schemaOf(thinkingFields).nullish(),
  tools: toolsSchema,
  tool_choice: choiceSchema,
  mcp_servers: serversSchema,
};

const rules: EndpointRules<void> = {
  path: '/v1/messages',
  modelKind: 'chat',
  answerFormat: 'anthropic',
  docs: {
    summary: "Have a model continue a conversation, in Anthropic's format",
    details: "Errors have the format that Anthropic's clients read.",
    body: schemaOf(fields, schemas),
    answer: z.looseObject({
      id: z.string(),
      type: z.literal('message'),
      role: z.literal('assistant'),
      content: z.array(z.looseObject({ type: z.string() })),
      stop_reason: z.string().nullable(),
      usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int() }),
    }),
    streams: true,
  },
  minimalBody: { model: 'any', max_tokens: 1, messages: [{ role: 'user', content: '-' }] },
  defaultAllow: ['messages', 'stream'],
  conversation: messagesConversation,
  fieldAliases: [],
  fields,
  check(body, findings, maxOutputTokens) {
    checkMessages(body, findings);
    const { system } = body;
    if (typeof system !== 'string') findings.objects(systemBlocks, system, 'system');
    findings.strings(body['stop_sequences'], 'stop_sequences', stops);
    findings.optionalObject(metadataFields, body['metadata'], 'metadata');
    checkThinking(body, findings);
    checkMessageTools(body, findings);
    checkOutputBound('max_tokens', body, maxOutputTokens, findings);
  },
  describe(request) {
    const { body } = request;
    countMedia(request);
    request.stream = body['stream'] === true;
    request.outputBound = numberIn(body, 'max_tokens');
    request.remoteTools = remoteMessageToolsIn(body);
  },
};

/** `POST /v1/messages`. */
export const messages = endpointOf(rules);

/** The same for a body that is only counted: it may lack `max_tokens`. Policy and limits know it by the same path. */
export const countedMessages = endpointOf({
  ...rules,
  fields: countedFields,
  docs: { ...rules.docs, body: schemaOf(countedFields, schemas) },
});

/** Whether the budget may exceed `max_tokens` is for the upstream to say: with interleaved thinking it may. */
function checkThinking(body: JsonObject, findings: Findings): void {
  const thinking = findings.optionalObject(thinkingFields, body['thinking'], 'thinking');
  if (thinking?.['type'] === 'enabled' || thinking?.['type'] === 'adaptive') {
    checkTemperatureWithThinking(body, findings);
  }
  if (thinking?.['type'] !== 'enabled' || numberIn(thinking, 'budget_tokens') !== null) return;
  findings.add(
    'thinking.budget_tokens',
    `is required and must be an integer of at least ${minThinkingBudget}`,
  );
}
