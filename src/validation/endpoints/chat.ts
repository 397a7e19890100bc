import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { schemaOf, documented, numberIn, textIn } from '../documented.ts';
import { endpointOf } from '../endpoint.ts';
import {
  anything,
  model,
  optionalFlag,
  optionalInteger,
  optionalNumber,
  optionalNumberIn,
  optionalObject,
  optionalText,
  optionalTexts,
} from '../fields.ts';
import type { Findings } from '../findings.ts';
import { countMedia } from '../media.ts';
import { checkMessages, messagesConversation, messagesSchema } from './chat-messages.ts';
import { repaired } from './chat-repairs.ts';
import { checkToolChoice, checkTools, toolChoiceSchema, toolsSchema, remoteToolsIn } from './chat-tools.ts';

/** OpenAI's bound. The upstream ignores `n`, but reservations are multiplied by it. */
const maxChoices = 128;
export const minThinkingBudget = 1024;

/** Dev Center, heroku-inference-api-v1-chat-completions; below the line, what later pages and real clients add. */
const fields = documented({
  model,
  messages: anything,
  max_tokens: optionalInteger(1),
  stop: anything,
  stream: optionalFlag,
  temperature: optionalNumberIn(0, 1),
  top_p: optionalNumberIn(0, 1),
  tools: anything,
  tool_choice: anything,
  // —
  max_completion_tokens: optionalInteger(1),
  extended_thinking: anything,
  stream_options: anything,
  n: optionalInteger(1, maxChoices),
  top_k: optionalInteger(0),
  modalities: optionalTexts,
  reasoning_effort: optionalText,
  parallel_tool_calls: optionalFlag,
  allow_ignored_params: optionalFlag,
  response_format: optionalObject,
  metadata: optionalObject,
  user: optionalText,
  seed: optionalInteger(Number.MIN_SAFE_INTEGER),
  frequency_penalty: optionalNumber,
  presence_penalty: optionalNumber,
  logit_bias: optionalObject,
});

const stops = { max: 256, of: 'strings, or one string' };
const streamOptionsFields = documented({ include_usage: optionalFlag });

const thinkingFields = documented({
  enabled: optionalFlag,
  budget_tokens: optionalInteger(0),
  include_reasoning: optionalFlag,
});

/** What `checkStop` checks, for the API's description. */
export const stopSchema = z.union([z.string(), z.array(z.string()).max(stops.max)]).nullish();

/** What `checkThinking` checks, for the API's description. */
export const thinkingSchema = schemaOf(thinkingFields).nullish();

const usageSchema = z.looseObject({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
});

/** `POST /v1/chat/completions`. */
export const chat = endpointOf({
  path: '/v1/chat/completions',
  modelKind: 'chat',
  answerFormat: 'openai',
  docs: {
    summary: 'Have a model continue a conversation',
    body: schemaOf(fields, {
      messages: messagesSchema,
      stop: stopSchema,
      tools: toolsSchema,
      tool_choice: toolChoiceSchema,
      extended_thinking: thinkingSchema,
      stream_options: schemaOf(streamOptionsFields).nullish(),
    }),
    answer: z.looseObject({
      id: z.string(),
      object: z.string(),
      created: z.int(),
      model: z.string(),
      choices: z.array(z.looseObject({ index: z.int(), message: z.looseObject({ role: z.string() }) })),
      usage: usageSchema,
    }),
    streams: true,
  },
  minimalBody: { model: 'any', messages: [{ role: 'user', content: '-' }] },
  defaultAllow: ['messages', 'stream'],
  conversation: messagesConversation,
  // OpenAI's later names, and its earlier ones, which an upstream may still take.
  fieldAliases: [
    ['max_tokens', 'max_completion_tokens'],
    ['tools', 'functions'],
    ['tool_choice', 'function_call'],
  ],
  fields,
  check(body, findings, maxOutputTokens) {
    checkMessages(body, findings);
    checkTools(body, findings);
    checkToolChoice(body, findings);
    checkStop(body['stop'], findings);
    findings.optionalObject(streamOptionsFields, body['stream_options'], 'stream_options');
    checkThinking(body, findings);
    for (const field of ['max_tokens', 'max_completion_tokens']) {
      checkOutputBound(field, body, maxOutputTokens, findings);
    }
  },
  describe(request) {
    const { body } = request;
    const outputBound = Math.max(
      numberIn(body, 'max_tokens') ?? 0,
      numberIn(body, 'max_completion_tokens') ?? 0,
    );
    countMedia(request);
    request.stream = body['stream'] === true;
    request.body = repaired(body);
    request.outputBound = outputBound === 0 ? null : outputBound;
    const thinkingTokens = thinkingBudget(body);
    if (thinkingTokens > 0) request.thinkingTokens = thinkingTokens;
    request.choices = numberIn(body, 'n') ?? 1;
    request.remoteTools = remoteToolsIn(body);
  },
});

/** `stop`: a string, or an array of them. */
export function checkStop(stop: JsonValue | undefined, findings: Findings): void {
  if (typeof stop !== 'string') findings.strings(stop, 'stop', stops);
}

export function checkThinking(body: JsonObject, findings: Findings): void {
  const thinking = findings.optionalObject(thinkingFields, body['extended_thinking'], 'extended_thinking');
  if (thinking?.['enabled'] !== true) return;
  checkTemperatureWithThinking(body, findings);
  const budget = numberIn(thinking, 'budget_tokens');
  if (budget === null || budget >= minThinkingBudget) return;
  findings.add('extended_thinking.budget_tokens', `must be an integer of at least ${minThinkingBudget}`);
}

/** The greatest thinking budget in force, in Heroku's field or Anthropic's; 0 if there is none. */
function thinkingBudget({ extended_thinking: heroku, thinking: anthropic }: JsonObject): number {
  const isOn = isJsonObject(heroku) && heroku['enabled'] === true;
  return Math.max(isOn ? budgetOf(heroku) : 0, budgetOf(anthropic));
}

function budgetOf(thinking: JsonValue | undefined): number {
  if (!isJsonObject(thinking) || thinking['type'] === 'disabled') return 0;
  return numberIn(thinking, 'budget_tokens') ?? 0;
}

/** For a body with thinking on: Claude models then take no temperature but 1, and answer 400 to any other. */
export function checkTemperatureWithThinking(body: JsonObject, findings: Findings): void {
  const temperature = numberIn(body, 'temperature');
  if (temperature === null || temperature === 1) return;
  findings.add('temperature', 'must be 1 while thinking is on; leave it out, or turn thinking off');
}

/** A model id that is not a string has been reported already, and has no figure in the catalogue. */
export function checkOutputBound(
  field: string,
  body: JsonObject,
  maxOutputTokens: (model: string) => number | null,
  findings: Findings,
): void {
  const id = textIn(body, 'model');
  const max = maxOutputTokens(id);
  const asked = numberIn(body, field);
  if (max === null || asked === null || asked <= max) return;
  // Anthropic's words, in which clients look for the bound: Claude Code lowers its own to it.
  const message = `${field}: ${asked} > ${max}, which is the maximum allowed number of output tokens for ${id}`;
  findings.report(field, message);
}
