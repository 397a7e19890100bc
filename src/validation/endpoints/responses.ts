import { z } from 'zod';
import { type Endpoint, isJsonObject, type JsonObject, type ValidRequest } from '../../base/request.ts';
import { invalidBody, Refusal } from '../../base/refusal.ts';
import { documented, numberIn, schemaOf, textIn } from '../documented.ts';
import {
  anything,
  model,
  nothing,
  optionalFlag,
  optionalInteger,
  optionalNumber,
  optionalNumberIn,
  optionalObject,
  optionalText,
  optionalTexts,
} from '../fields.ts';
import { Findings } from '../findings.ts';
import { checkInput, inputSchema } from '../responses/input-items.ts';
import { messagesOf } from '../responses/messages-of.ts';
import { repeatedOf } from '../responses/repeated.ts';
import { checkText, responseFormat, textSchema } from '../responses/text-format.ts';
import {
  chatTools,
  checkToolChoice,
  checkTools,
  customToolsIn,
  toolChoiceSchema,
  toolsSchema,
} from '../responses/tools.ts';
import { chat, checkOutputBound, checkStop, checkThinking, stopSchema, thinkingSchema } from './chat.ts';

/** Open Responses, "Create a response", with what OpenAI's clients send besides. */
const own = {
  model,
  input: anything,
  instructions: optionalText,
  stream: optionalFlag,
  max_output_tokens: optionalInteger(1, 1_000_000),
  tools: anything,
  tool_choice: anything,
  parallel_tool_calls: optionalFlag,
  text: anything,
  reasoning: anything,
  temperature: optionalNumberIn(0, 1),
  top_p: optionalNumberIn(0, 1),
  metadata: optionalObject,
  // Hints and permissions that there is nothing to do for: the answer is the same without them.
  store: optionalFlag,
  include: optionalTexts,
  truncation: optionalText,
  stream_options: optionalObject,
  prompt_cache_key: optionalText,
  prompt_cache_retention: optionalText,
  prompt_cache_options: optionalObject,
  safety_identifier: optionalText,
  client_metadata: optionalObject,
  // Left out, and said so.
  service_tier: optionalText,
  max_tool_calls: optionalInteger(1),
  top_logprobs: optionalInteger(0, 20),
  context_management: anything,
};

/** What Heroku's chat takes besides. It is sent on as it is. */
const ofChat = {
  stop: anything,
  extended_thinking: anything,
  top_k: optionalInteger(0),
  user: optionalText,
  seed: optionalInteger(Number.MIN_SAFE_INTEGER),
  frequency_penalty: optionalNumber,
  presence_penalty: optionalNumber,
  logit_bias: optionalObject,
  allow_ignored_params: optionalFlag,
};

const refused = {
  previous_response_id: nothing(
    'names an answer, and none is kept here; send all items in input, and set store: false',
  ),
  conversation: nothing('names a conversation, and none is kept here; send all items in input'),
  prompt: nothing('names a stored prompt, and there are none here; send instructions and input'),
  background: nothing(
    'must be false: answers are not kept, so none can be fetched later; set stream: true to wait longer',
  ),
  messages: nothing('is a field of chat completions; write input'),
  max_tokens: nothing('is a field of chat completions; write max_output_tokens'),
  max_completion_tokens: nothing('is a field of chat completions; write max_output_tokens'),
  response_format: nothing('is a field of chat completions; write text.format'),
  reasoning_effort: nothing('is a field of chat completions; write reasoning.effort'),
  functions: nothing('is a field of chat completions; write tools'),
  function_call: nothing('is a field of chat completions; write tool_choice'),
  modalities: nothing('is a field of chat completions; an answer is text here'),
  n: nothing('is a field of chat completions; there is one answer here'),
};

const shown = documented({ ...own, ...ofChat });
const fields = documented({ ...own, ...ofChat, ...refused });
/** What a chat has under another name, or not at all. */
const notSent: ReadonlySet<string> = new Set(
  [...Object.keys(own), ...Object.keys(refused)].filter(
    (name) => !['model', 'stream', 'temperature', 'top_p'].includes(name),
  ),
);
const reasoningFields = documented({
  effort: optionalText,
  summary: optionalText,
  generate_summary: optionalText,
});

/** As many as a chat may have. */
const maxMessages = 2_000;

/** `POST /v1/responses`. The upstream has no such endpoint: a request is sent as a chat. */
export const responses: Endpoint = {
  path: '/v1/responses',
  modelKind: 'chat',
  answerFormat: 'openai',
  sentAs: chat,
  keepsItems: true,
  docs: {
    summary: 'Have a model continue a conversation, by the Open Responses specification',
    details:
      'Nothing is kept: a request has all items of its conversation, and its answer says `store: false`. The request goes to the model as a chat.',
    body: schemaOf(shown, {
      input: inputSchema,
      tools: toolsSchema,
      tool_choice: toolChoiceSchema,
      text: textSchema,
      reasoning: schemaOf(reasoningFields).nullish(),
      stop: stopSchema,
      extended_thinking: thinkingSchema,
    }),
    answer: z.looseObject({ id: z.string(), object: z.string(), model: z.string() }),
    streams: true,
    refusals: ['unsupported_tool'],
  },
  minimalBody: { model: 'any', input: '-' },
  defaultAllow: ['input', 'stream'],
  fieldAliases: [],
  validate(body, maxOutputTokens) {
    const findings = new Findings();
    const unsupported = new Findings();
    findings.fields(fields, body, '');
    checkInput(body['input'], findings);
    checkTools(body, { findings, unsupported });
    checkToolChoice(body, { findings, unsupported });
    checkText(body, findings);
    findings.optionalObject(reasoningFields, body['reasoning'], 'reasoning');
    checkStop(body['stop'], findings);
    checkThinking(body, findings);
    checkOutputBound('max_output_tokens', body, maxOutputTokens, findings);
    if (unsupported.problems.length > 0) return invalidBody(unsupported.problems, 'unsupported_tool');
    const refusal = findings.refusal();
    if (refusal) return refusal;
    const translated = chatBody(body);
    const count = tooMany(translated);
    if (count) return count;
    // What is sent is a chat, so it is checked as one: no name in it may be another spelling of a chat's.
    const valid = chat.validate(translated, () => null);
    if (valid instanceof Refusal) return valid;
    return described(valid, body);
  },
};

function described(valid: ValidRequest, body: JsonObject): ValidRequest {
  const request: ValidRequest = {
    ...valid,
    endpoint: responses,
    translation: {
      repeated: repeatedOf(body),
      stored: body['store'] !== false,
      customTools: customToolsIn(body),
    },
  };
  return request;
}

/** A body that was checked, as a chat. */
function chatBody(body: JsonObject): JsonObject {
  const translated: JsonObject = {};
  for (const [name, value] of Object.entries(body)) if (!notSent.has(name)) translated[name] = value;
  translated['messages'] = messagesOf(textIn(body, 'instructions'), body['input'] ?? '');
  const bound = numberIn(body, 'max_output_tokens');
  if (bound !== null) translated['max_tokens'] = bound;
  const format = responseFormat(body);
  if (format !== null) translated['response_format'] = format;
  const effort = isJsonObject(body['reasoning']) ? textIn(body['reasoning'], 'effort') : '';
  if (effort !== '') translated['reasoning_effort'] = effort;
  return Object.assign(translated, chatTools(body));
}

function tooMany({ messages }: JsonObject): Refusal | null {
  const count = Array.isArray(messages) ? messages.length : 0;
  if (count > 0 && count <= maxMessages) return null;
  const message = `input must come to 1 to ${maxMessages} messages of a chat; it comes to ${count}.`;
  return invalidBody([{ param: 'input', message }]);
}
