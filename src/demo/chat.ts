import { isJsonObject, type JsonObject } from '../base/request.ts';
import { type Answer, errorAnswer, type StandInEndpoint, type AnswerContext } from './answer.ts';
import { doneFrame, messageFrame } from './frames.ts';
import { objectAt, objectsIn, type Reply, replyTo, textOf, tokens, wordsOf, type ToolCall } from './reply.ts';

const hello: JsonObject = {
  model: 'claude-4-5-haiku',
  messages: [{ role: 'user', content: 'Why is Heroku so awesome?' }],
};

/** POST /v1/chat/completions, plain or as a stream. */
export const chat: StandInEndpoint = {
  required: ['model', 'messages'],
  optional: [
    'max_tokens',
    'max_completion_tokens',
    'stop',
    'stream',
    'stream_options',
    'temperature',
    'top_p',
    'top_k',
    'tools',
    'tool_choice',
    'tool_options',
    'parallel_tool_calls',
    'reasoning_effort',
    'extended_thinking',
    'response_format',
    'modalities',
    'user',
    'metadata',
    'n',
    'seed',
    'frequency_penalty',
    'presence_penalty',
    'logit_bias',
    'logprobs',
  ],
  answer: answerChat,
  examples: [
    { title: 'Chat', body: hello },
    { title: 'Streamed', body: { ...hello, stream: true } },
  ],
};

function answerChat(body: JsonObject, context: AnswerContext): Answer {
  const messages = objectsIn(body['messages']);
  if (messages.length === 0) return errorAnswer(400, 'messages: expected at least one message');
  const reply = replyTo(messages.at(-1), {
    tools: body,
    inputTokens: tokens(messages.map(({ content }) => textOf(content)).join('')),
    maxTokens: body['max_completion_tokens'] ?? body['max_tokens'],
    thinks: thinks(body),
    schema: objectAt(objectAt(body['response_format'], 'json_schema'), 'schema'),
    addition: context.longAnswers ? sentencesTo(messages) : '',
  });
  if (body['stream'] !== true) return { status: 200, json: completion(body, reply, context) };
  return { frames: streamOf(body, reply, context), delayMs: context.wordDelayMs };
}

/** A page that keeps its conversation is told a higher number each time. */
function sentencesTo(messages: JsonObject[]): string {
  const count = messages.filter(({ role }) => role === 'user').length;
  return (
    ` That was message ${count} of this conversation. A model would now think about it; this stand-in only talks on, a` +
    ' word at a time, as a model does. So there is something to watch: how the words come as soon as they are' +
    ' there, how the status counts them, and what happens when you press Stop in the middle. Ask again, and all' +
    ' that was said goes along.'
  );
}

function thinks({ reasoning_effort: effort, extended_thinking: thinking }: JsonObject): boolean {
  if (isJsonObject(thinking)) return thinking['enabled'] === true && thinking['include_reasoning'] !== false;
  return typeof effort === 'string' && effort !== 'none';
}

function finishReason({ toolCalls, isCut }: Reply): string {
  if (toolCalls.length > 0) return 'tool_calls';
  return isCut ? 'length' : 'stop';
}

function completion(body: JsonObject, reply: Reply, context: AnswerContext): JsonObject {
  const message: JsonObject = { role: 'assistant', content: reply.text, refusal: null };
  if (reply.thinking !== '') message['reasoning'] = { thinking: reply.thinking };
  if (reply.toolCalls.length > 0) message['tool_calls'] = reply.toolCalls.map(wireToolCall);
  return {
    ...header(body, context, 'chat.completion'),
    choices: [{ index: 0, message, finish_reason: finishReason(reply) }],
    usage: usage(reply),
  };
}

/**
 * Word by word. As upstream, chunks on the way carry an empty finish_reason and zero usage; the real usage comes
 * unasked in the last chunk, whose choices are not empty.
 */
function streamOf(body: JsonObject, reply: Reply, context: AnswerContext): string[] {
  const chunk = (delta: JsonObject, end: Reply | null): string =>
    messageFrame({
      ...header(body, context, 'chat.completion.chunk'),
      choices: [{ index: 0, delta, finish_reason: end === null ? '' : finishReason(end) }],
      usage: usage(end ?? { inputTokens: 0, outputTokens: 0 }),
    });
  const deltas: JsonObject[] = [
    ...wordsOf(reply.thinking).map((word) => ({ reasoning: { thinking: word } })),
    ...wordsOf(reply.text).map((word) => ({ content: word })),
    ...reply.toolCalls.map((call, index) => ({ tool_calls: [{ index, ...wireToolCall(call) }] })),
  ];
  return [
    chunk({ role: 'assistant', content: '' }, null),
    ...deltas.map((delta) => chunk(delta, null)),
    chunk({}, reply),
    doneFrame,
  ];
}

function header(body: JsonObject, { id, createdS }: AnswerContext, object: string): JsonObject {
  return {
    id,
    object,
    created: createdS,
    model: body['model'] ?? null,
    system_fingerprint: 'heroku-inf-stand-in',
  };
}

function wireToolCall({ id, name, arguments: text }: ToolCall): JsonObject {
  return { id, type: 'function', function: { name, arguments: text } };
}

function usage({ inputTokens, outputTokens }: Pick<Reply, 'inputTokens' | 'outputTokens'>): JsonObject {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}
