import { z } from 'zod';
import type { Refusal } from '../../base/refusal.ts';
import type { Endpoint, JsonObject, JsonValue, ValidRequest } from '../../base/request.ts';
import { schemaOf, documented, numberIn, textIn } from '../documented.ts';
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
import { Findings, joinPath } from '../findings.ts';
import { checkOutputBound, checkTemperatureWithThinking } from './chat.ts';
import { checkContents, dataIn, messagesSchema, textBlockFields } from './message-blocks.ts';
import {
  checkMessageTools,
  choiceSchema,
  serversSchema,
  toolsSchema,
  remoteMessageToolsIn,
} from './message-tools.ts';

const maxStops = 256;
const maxSystemBlocks = 1_000;
const minThinkingBudget = 1_024;

/** Anthropic's Messages API, as Dev Center's heroku-inference-api-v1-messages has it. What is newer goes on as it is. */
const messagesFields = documented({
  model,
  max_tokens: requiredInteger(1),
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
});

const metadataFields = documented({ user_id: optionalText });
const thinkingFields = documented({
  type: requiredChoice(['enabled', 'disabled', 'adaptive']),
  budget_tokens: optionalInteger(minThinkingBudget),
});

const bodySchema = schemaOf(messagesFields, {
  messages: messagesSchema,
  system: z.union([z.string(), z.array(schemaOf(textBlockFields)).max(maxSystemBlocks)]).nullish(),
  stop_sequences: z.array(z.string()).max(maxStops).nullish(),
  metadata: schemaOf(metadataFields).nullish(),
  thinking: schemaOf(thinkingFields).nullish(),
  tools: toolsSchema,
  tool_choice: choiceSchema,
  mcp_servers: serversSchema,
});

const responseSchema = z.looseObject({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  content: z.array(z.looseObject({ type: z.string() })),
  stop_reason: z.string().nullable(),
  usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int() }),
});

/** `POST /v1/messages`. */
export const messages: Endpoint = {
  path: '/v1/messages',
  modelKind: 'chat',
  answerFormat: 'anthropic',
  docs: {
    summary: 'Have a model continue a conversation, in the shape of Anthropic',
    details: 'Errors have the shape that clients of Anthropic read.',
    body: bodySchema,
    answer: responseSchema,
    streams: true,
  },
  minimalBody: { model: 'any', max_tokens: 1, messages: [{ role: 'user', content: '-' }] },
  defaultAllow: ['messages', 'stream'],
  fieldAliases: [],
  validate(body, maxOutputTokens): ValidRequest | Refusal {
    const findings = new Findings();
    findings.fields(messagesFields, body, '');
    checkContents(body, findings);
    checkSystem(body['system'], findings);
    checkStops(body['stop_sequences'], findings);
    findings.optionalObject(metadataFields, body['metadata'], 'metadata');
    checkThinking(body, findings);
    checkMessageTools(body, findings);
    checkOutputBound('max_tokens', body, maxOutputTokens, findings);
    return findings.refusal() ?? describe(body);
  },
};

function checkSystem(system: JsonValue | undefined, findings: Findings): void {
  if (typeof system === 'string') return;
  const blocks = findings.list(system, 'system', { max: maxSystemBlocks, of: 'text blocks, or a string' });
  for (const [index, block] of (blocks ?? []).entries()) {
    if (findings.full) return;
    findings.object(textBlockFields, block, joinPath('system', index));
  }
}

function checkStops(value: JsonValue | undefined, findings: Findings): void {
  const stops = findings.list(value, 'stop_sequences', { max: maxStops, of: 'strings' });
  for (const [index, item] of (stops ?? []).entries()) {
    if (typeof item !== 'string') findings.add(joinPath('stop_sequences', index), 'must be a string');
  }
}

function checkThinking(body: JsonObject, findings: Findings): void {
  const thinking = findings.optionalObject(thinkingFields, body['thinking'], 'thinking');
  if (!thinking || thinking['type'] === 'disabled') return;
  checkTemperatureWithThinking(body, findings);
  if (thinking['type'] !== 'enabled') return;
  const budget = numberIn(thinking, 'budget_tokens');
  const maxTokens = numberIn(body, 'max_tokens');
  const path = 'thinking.budget_tokens';
  if (budget === null)
    findings.add(path, `is required and must be an integer of at least ${minThinkingBudget}`);
  else if (maxTokens !== null && budget >= maxTokens) findings.add(path, 'must be less than max_tokens');
}

function describe(body: JsonObject): ValidRequest {
  return {
    endpoint: messages,
    model: textIn(body, 'model'),
    stream: body['stream'] === true,
    body,
    outputBound: numberIn(body, 'max_tokens'),
    choices: 1,
    images: 0,
    ...dataIn(body),
    remoteTools: remoteMessageToolsIn(body),
  };
}
