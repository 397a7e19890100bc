import type { JsonObject } from '../base/request.ts';
import { type Answer, errorAnswer, type StandInEndpoint, type AnswerContext } from './answer.ts';
import { doneFrame, heartbeatFrame, messageFrame } from './frames.ts';
import { objectsIn, replyText, textOf, tokens } from './reply.ts';

/** POST /v1/agents/heroku, always a stream: for each tool an inference that calls it, then the tool, then an answer. */
export const agents: StandInEndpoint = {
  required: ['model', 'messages'],
  optional: ['max_tokens_per_inference_request', 'stop', 'stream', 'temperature', 'top_p', 'tools'],
  answer: answerAgents,
  examples: [
    {
      title: 'An agent with a tool that would run in an app',
      body: {
        model: 'claude-4-5-haiku',
        messages: [{ role: 'user', content: 'Why is Heroku so awesome?' }],
        tools: [
          { type: 'heroku_tool', name: 'dyno_run_command', runtime_params: { target_app_name: 'my-app' } },
        ],
      },
    },
  ],
};

function answerAgents(body: JsonObject, { id, createdS, wordDelayMs }: AnswerContext): Answer {
  const messages = objectsIn(body['messages']);
  if (messages.length === 0) return errorAnswer(400, 'messages: expected at least one message');
  const promptTokens = tokens(messages.map(({ content }) => textOf(content)).join(''));
  const frame = (
    object: string,
    message: JsonObject,
    { finish, output }: { finish: string; output: number | null },
  ): string =>
    messageFrame({
      id,
      object,
      created: createdS,
      model: body['model'] ?? null,
      system_fingerprint: 'heroku-inf-stand-in',
      choices: [{ index: 0, message, finish_reason: finish }],
      usage:
        output === null
          ? {}
          : { prompt_tokens: promptTokens, completion_tokens: output, total_tokens: promptTokens + output },
    });
  const calls = objectsIn(body['tools']).flatMap(({ name = '' }, index) => {
    const called = { id: `tooluse_${index}`, type: 'function', function: { name, arguments: '{}' } };
    const asking = { role: 'assistant', content: 'I will use a tool.', refusal: null, tool_calls: [called] };
    const said = { role: 'tool', content: 'A stand-in runs no tools.', tool_call_id: called.id, name };
    return [
      frame('chat.completion', asking, { finish: 'tool_calls', output: 5 }),
      heartbeatFrame,
      frame('tool.completion', said, { finish: '', output: null }),
    ];
  });
  const text = replyText(messages.at(-1)?.['content']);
  const answer = { role: 'assistant', content: text, refusal: null };
  const last = frame('chat.completion', answer, { finish: 'stop', output: tokens(text) });
  return { frames: [...calls, last, doneFrame], delayMs: wordDelayMs };
}
