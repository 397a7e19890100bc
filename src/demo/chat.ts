import type { JsonObject } from '../base/request.ts';
import { type Answer, errorAnswer, type StandInEndpoint, type AnswerContext } from './answer.ts';
import { doneFrame, messageFrame } from './frames.ts';
import { objectsIn, replyText, textOf, tokens, wordsOf, type ToolCall, toolCallFor } from './reply.ts';

/** What the stand-in says to a conversation: words, or a tool call. */
interface Reply {
  text: string;
  toolCall: ToolCall | null;
  finishReason: 'stop' | 'length' | 'tool_calls';
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

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
  const problem = messagesProblem(body);
  if (problem !== null) return errorAnswer(400, problem);
  const reply = replyTo(body);
  if (body['stream'] !== true) return { status: 200, json: completion(body, reply, context) };
  return { frames: streamOf(body, reply, context), delayMs: context.wordDelayMs };
}

function messagesProblem(body: JsonObject): string | null {
  return messagesOf(body).length > 0 ? null : 'messages: expected at least one message';
}

function messagesOf(body: JsonObject): JsonObject[] {
  return objectsIn(body['messages']);
}

function replyTo(body: JsonObject): Reply {
  const messages = messagesOf(body);
  const last = messages.at(-1);
  const promptTokens = tokens(messages.map((message) => textOf(message['content'])).join(''));
  const toolCall = last?.['role'] === 'user' ? toolCallFor(body) : null;
  if (toolCall !== null) {
    return {
      text: '',
      toolCall,
      finishReason: 'tool_calls',
      usage: usage(promptTokens, tokens(toolCall.arguments)),
    };
  }
  const whole = replyText(last?.['content']);
  const maxTokens = body['max_completion_tokens'] ?? body['max_tokens'];
  const text = typeof maxTokens === 'number' ? whole.slice(0, maxTokens * 4) : whole;
  const finishReason = text === whole ? 'stop' : 'length';
  return { text, toolCall: null, finishReason, usage: usage(promptTokens, tokens(text)) };
}

function completion(body: JsonObject, reply: Reply, context: AnswerContext): JsonObject {
  const message: JsonObject = { role: 'assistant', content: reply.text, refusal: null };
  if (reply.toolCall !== null) message['tool_calls'] = [wireToolCall(reply.toolCall)];
  return {
    ...header(body, context, 'chat.completion'),
    choices: [{ index: 0, message, finish_reason: reply.finishReason }],
    usage: reply.usage,
  };
}

/**
 * Word by word. As upstream, chunks on the way carry an empty finish_reason and zero usage; the real usage comes
 * unasked in the last chunk, whose choices are not empty.
 */
function streamOf(body: JsonObject, reply: Reply, context: AnswerContext): string[] {
  const chunk = (delta: JsonObject, end: Pick<Reply, 'finishReason' | 'usage'> | null): string =>
    messageFrame({
      ...header(body, context, 'chat.completion.chunk'),
      choices: [{ index: 0, delta, finish_reason: end?.finishReason ?? '' }],
      usage: end?.usage ?? usage(0, 0),
    });
  const deltas: JsonObject[] =
    reply.toolCall === null
      ? wordsOf(reply.text).map((word) => ({ content: word }))
      : [{ tool_calls: [{ index: 0, ...wireToolCall(reply.toolCall) }] }];
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

function usage(promptTokens: number, completionTokens: number): Reply['usage'] {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
