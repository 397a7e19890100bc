import type { JsonObject } from '../base/request.ts';
import { type Answer, errorAnswer, type StandInEndpoint, type AnswerContext } from './answer.ts';
import { namedFrame } from './frames.ts';
import { objectsIn, type Reply, replyTo, textOf, tokens, wordsOf, type ToolCall } from './reply.ts';

/** POST /v1/messages, plain or as a stream of Anthropic's events. */
export const messages: StandInEndpoint = {
  required: ['model', 'max_tokens', 'messages'],
  optional: [
    'system',
    'temperature',
    'top_p',
    'top_k',
    'stop_sequences',
    'stream',
    'metadata',
    'thinking',
    'tools',
    'tool_choice',
    'mcp_servers',
    // Of Anthropic's SDK and its betas.
    'thread',
    'service_tier',
    'output_config',
  ],
  answer: answerMessages,
  examples: [
    {
      title: "Anthropic's API, streamed",
      body: {
        model: 'claude-4-5-haiku',
        max_tokens: 200,
        messages: [{ role: 'user', content: 'Why is Heroku so awesome?' }],
        stream: true,
      },
    },
  ],
};

function answerMessages(body: JsonObject, { id, wordDelayMs }: AnswerContext): Answer {
  if (objectsIn(body['messages']).length === 0)
    return errorAnswer(400, 'messages: at least one message is required');
  const reply = replyToMessages(body);
  const messageId = id.replace('chatcmpl-', 'msg_');
  if (body['stream'] === true) return { frames: streamOf(body, reply, messageId), delayMs: wordDelayMs };
  const content = [blockOf(reply, reply.text)];
  return {
    status: 200,
    json: message(body, messageId, { content, stopReason: stopReasonOf(reply), usage: usageOf(reply) }),
  };
}

function replyToMessages(body: JsonObject): Reply {
  const sent = objectsIn(body['messages']);
  const last = sent.at(-1);
  const isResult = objectsIn(last?.['content']).some((block) => block['type'] === 'tool_result');
  return replyTo(last, {
    tools: isResult ? {} : asChat(body),
    inputTokens: tokens([body, ...sent].map((each) => textOf(each['content'] ?? each['system'])).join('')),
    maxTokens: body['max_tokens'],
  });
}

function stopReasonOf({ toolCalls, isCut }: Reply): string {
  if (toolCalls.length > 0) return 'tool_use';
  return isCut ? 'max_tokens' : 'end_turn';
}

/** Tools as a chat completion has them; one call at a time. */
function asChat({ tools, tool_choice: choice }: JsonObject): JsonObject {
  const [chosen] = objectsIn([choice ?? null]);
  return {
    tools: objectsIn(tools).map(({ name = null, input_schema: parameters = null }) => ({
      function: { name, parameters },
    })),
    tool_choice: chosen?.['type'] === 'none' ? 'none' : { function: { name: chosen?.['name'] ?? null } },
    parallel_tool_calls: false,
  };
}

function message(
  { model = null }: JsonObject,
  id: string,
  { content, stopReason, usage }: { content: JsonObject[]; stopReason: string | null; usage: JsonObject },
): JsonObject {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage,
  };
}

function blockOf({ toolCalls: [toolCall] }: Reply, text: string): JsonObject {
  if (toolCall === undefined) return { type: 'text', text };
  return {
    type: 'tool_use',
    id: toolId(toolCall),
    name: toolCall.name,
    input: JSON.parse(toolCall.arguments) as JsonObject,
  };
}

function toolId({ id }: ToolCall): string {
  return id.replace('call_', 'toolu_');
}

function usageOf({ inputTokens, outputTokens }: Pick<Reply, 'inputTokens' | 'outputTokens'>): JsonObject {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
  };
}

/** Anthropic's events: the input is reported at the beginning, with a guess at the output; the output at the end. */
function streamOf(body: JsonObject, reply: Reply, id: string): string[] {
  const [toolCall] = reply.toolCalls;
  const event = (data: JsonObject & { type: string }): string => namedFrame(data.type, data);
  const first = toolCall === undefined ? blockOf(reply, '') : { ...blockOf(reply, ''), input: {} };
  const deltas: JsonObject[] =
    toolCall === undefined
      ? wordsOf(reply.text).map((text) => ({ type: 'text_delta', text }))
      : [{ type: 'input_json_delta', partial_json: toolCall.arguments }];
  const usage = usageOf({ ...reply, outputTokens: 1 });
  return [
    event({ type: 'message_start', message: message(body, id, { content: [], stopReason: null, usage }) }),
    event({ type: 'content_block_start', index: 0, content_block: first }),
    event({ type: 'ping' }),
    ...deltas.map((delta) => event({ type: 'content_block_delta', index: 0, delta })),
    event({ type: 'content_block_stop', index: 0 }),
    event({
      type: 'message_delta',
      delta: { stop_reason: stopReasonOf(reply), stop_sequence: null },
      usage: { output_tokens: reply.outputTokens },
    }),
    event({ type: 'message_stop' }),
  ];
}
