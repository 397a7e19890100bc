import type { Endpoint, JsonObject } from '../../base/request.ts';
import { invalidBody, Refusal } from '../../base/refusal.ts';
import { schemaOf } from '../documented.ts';
import { Findings } from '../findings.ts';
import { Adjustments } from '../responses/adjustments.ts';
import { answerSchema } from '../responses/answer-schema.ts';
import { bodyFields, shownFields } from '../responses/body-fields.ts';
import { chatOf } from '../responses/chat-of.ts';
import { checkInput, inputSchema, itemsConversation } from '../responses/input-items.ts';
import { checkReasoning, reasoningSchema } from '../responses/reasoning.ts';
import { checkText, textSchema } from '../responses/text-format.ts';
import { checkToolChoice, toolChoiceSchema } from '../responses/tool-choice.ts';
import { checkTools, toolsSchema } from '../responses/tools.ts';
import { translationOf } from '../responses/translation.ts';
import { maxMessages } from './chat-messages.ts';
import { chat, checkOutputBound, checkStop, checkThinking, stopSchema, thinkingSchema } from './chat.ts';

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
      'A request has all items of its conversation, and its answer says `store: false`. The model gets it as a chat.',
    body: schemaOf(shownFields, {
      input: inputSchema,
      tools: toolsSchema,
      tool_choice: toolChoiceSchema,
      text: textSchema,
      reasoning: reasoningSchema,
      stop: stopSchema,
      extended_thinking: thinkingSchema,
    }),
    answer: answerSchema,
    streams: true,
    refusals: ['unsupported_tool'],
  },
  minimalBody: { model: 'any', input: '-' },
  defaultAllow: ['input', 'stream'],
  fieldAliases: [],
  conversation: itemsConversation,
  validate(body, maxOutputTokens, sent = body) {
    const findings = new Findings();
    const unsupported = new Findings();
    findings.fields(bodyFields, body, '');
    checkInput(body['input'], findings);
    const tools = checkTools(body, { findings, unsupported });
    if (tools !== null) checkToolChoice(body['tool_choice'], tools, { findings, unsupported });
    checkText(body, findings);
    checkReasoning(body, findings);
    checkStop(body['stop'], findings);
    checkThinking(body, findings);
    checkOutputBound('max_output_tokens', body, maxOutputTokens, findings);
    if (unsupported.problems.length > 0) return invalidBody(unsupported.problems, 'unsupported_tool');
    const refusal = findings.refusal();
    if (refusal) return refusal;
    const adjustments = new Adjustments();
    const translated = chatOf(body, adjustments);
    const badCount = countRefusal(translated);
    if (badCount) return badCount;
    // What is sent is a chat, so it is checked as one: no name in it may be another spelling of a chat's.
    const valid = chat.validate(translated, unbounded);
    if (valid instanceof Refusal) return inOwnWords(valid);
    const request = { ...valid, endpoint: responses, translation: translationOf(body, sent) };
    return adjustments.all.length === 0 ? request : { ...request, adjusted: adjustments.all };
  },
};

/** The output's bound was checked under its own name. */
function unbounded(): null {
  return null;
}

function countRefusal({ messages }: JsonObject): Refusal | null {
  const count = Array.isArray(messages) ? messages.length : 0;
  if (count > 0 && count <= maxMessages) return null;
  const message = `input must come to 1 to ${maxMessages} messages of a chat; it comes to ${count}.`;
  return invalidBody([{ param: 'input', message }]);
}

/** A refusal of the chat: a problem in its messages is one of the input. */
function inOwnWords(refusal: Refusal): Refusal {
  const problems = refusal.details.problems ?? [];
  return invalidBody(
    problems.map(({ param, message }) => {
      if (!param.startsWith('messages.')) return { param, message };
      return { param: 'input', message: `input does not fit into a chat: ${message}` };
    }),
  );
}
