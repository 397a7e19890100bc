import { type ClientUnderTest, models, weatherTool } from '../support/client.ts';
import { call, curl, CurlFailed } from './curl-command.ts';

interface ToolCall {
  id: string;
  function: { arguments: string };
}
interface Completion {
  choices: [{ message: { content: string; tool_calls?: ToolCall[] } }];
}
interface Message {
  content: ({ type: 'text'; text: string } | { type: 'tool_use'; id: string; input: { city: string } })[];
}
interface Response {
  output: (
    | { type: 'message'; content: { text: string }[] }
    | { type: 'function_call'; call_id: string; arguments: string }
  )[];
}

const user = (content: string): object => ({ role: 'user', content });
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const { name, description, run } = weatherTool;
const textOf = ({ content }: Message): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');
const outputText = ({ output }: Response): string =>
  output
    .map((item) => (item.type === 'message' ? item.content.map(({ text }) => text).join('') : ''))
    .join('');

/** The texts in the events of a stream that are complete so far: what a reader at the terminal sees. */
const said = (events: string, field: string): string[] =>
  [...events.matchAll(new RegExp(`"${field}":"((?:[^"\\\\]|\\\\.)*)"`, 'g'))].map(([, text = '']) => text);

export const curlClient: ClientUnderTest = {
  name: 'curl',
  uses: {
    'POST /v1/chat/completions': {
      plain: async (at, prompt) => {
        const body = { model: models.chat, messages: [user(prompt)] };
        return (await call<Completion>(at, '/v1/chat/completions', body)).choices[0].message.content;
      },
      stream: async function* (at, prompt, signal) {
        const body = { model: models.chat, messages: [user(prompt)], stream: true };
        for await (const text of curl(at, { path: '/v1/chat/completions', body, signal })) {
          for (const content of said(text, 'content')) yield content;
        }
      },
      tools: async (at, prompt) => {
        const tools = [{ type: 'function', function: { name, description, parameters } }];
        const asked = { model: models.chat, tools, messages: [user(prompt)] };
        const { message } = (await call<Completion>(at, '/v1/chat/completions', asked)).choices[0];
        const [called] = message.tool_calls ?? [];
        if (!called) throw new Error('No tool was called.');
        const content = run(JSON.parse(called.function.arguments) as { city: string });
        const messages = [...asked.messages, message, { role: 'tool', tool_call_id: called.id, content }];
        const second = await call<Completion>(at, '/v1/chat/completions', { ...asked, messages });
        return second.choices[0].message.content;
      },
    },
    'POST /v1/messages': {
      plain: async (at, prompt) =>
        textOf(
          await call<Message>(at, '/v1/messages', {
            model: models.chat,
            max_tokens: 200,
            messages: [user(prompt)],
          }),
        ),
      stream: async function* (at, prompt, signal) {
        const body = { model: models.chat, max_tokens: 200, messages: [user(prompt)], stream: true };
        for await (const text of curl(at, { path: '/v1/messages', body, signal })) {
          for (const content of said(text, 'text')) yield content;
        }
      },
      tools: async (at, prompt) => {
        const tools = [{ name, description, input_schema: parameters }];
        const asked = { model: models.chat, max_tokens: 200, tools, messages: [user(prompt)] };
        const { content } = await call<Message>(at, '/v1/messages', asked);
        const called = content.find((block) => block.type === 'tool_use');
        if (!called) throw new Error('No tool was called.');
        const result = { type: 'tool_result', tool_use_id: called.id, content: run(called.input) };
        const messages = [
          ...asked.messages,
          { role: 'assistant', content },
          { role: 'user', content: [result] },
        ];
        return textOf(await call<Message>(at, '/v1/messages', { ...asked, messages }));
      },
    },
    'POST /v1/responses': {
      plain: async (at, prompt) =>
        outputText(await call<Response>(at, '/v1/responses', { model: models.chat, input: prompt })),
      stream: async function* (at, prompt, signal) {
        const body = { model: models.chat, input: prompt, stream: true };
        for await (const text of curl(at, { path: '/v1/responses', body, signal })) {
          for (const delta of said(text, 'delta')) yield delta;
        }
      },
      tools: async (at, prompt) => {
        const tools = [{ type: 'function', name, description, parameters }];
        const asked = { model: models.chat, tools, input: [user(prompt)] };
        const { output } = await call<Response>(at, '/v1/responses', asked);
        const called = output.find((item) => item.type === 'function_call');
        if (!called) throw new Error('No tool was called.');
        const result = {
          type: 'function_call_output',
          call_id: called.call_id,
          output: run(JSON.parse(called.arguments) as { city: string }),
        };
        const input = [...asked.input, ...output, result];
        return outputText(await call<Response>(at, '/v1/responses', { ...asked, input }));
      },
    },
    'POST /v1/embeddings': async (at, input) => {
      const body = { model: models.embeddings, input };
      const { data } = await call<{ data: { embedding: number[] }[] }>(at, '/v1/embeddings', body);
      return data.map(({ embedding }) => embedding);
    },
    'POST /v1/images/generations': async (at, prompt) => {
      const body = { model: models.images, prompt };
      const { data } = await call<{ data: [{ b64_json: string }] }>(at, '/v1/images/generations', body);
      return data[0].b64_json;
    },
    'POST /v1/rerank': async (at, query, documents) => {
      const body = { model: models.rerank, query, documents };
      const { results } = await call<{ results: { index: number }[] }>(at, '/v1/rerank', body);
      return results.map(({ index }) => index);
    },
    'POST /v1/agents/heroku': async (at, prompt) => {
      const body = { model: models.chat, messages: [user(prompt)] };
      const events = await Array.fromAsync(curl(at, { path: '/v1/agents/heroku', body }));
      return said(events.join(''), 'content').join('');
    },
    'GET /v1/models': async (at) =>
      (await call<{ data: { id: string }[] }>(at, '/v1/models')).data.map(({ id }) => id),
    'GET /available-models': async (at) =>
      (await call<{ model_id: string }[]>(at, '/available-models')).map(({ model_id: id }) => id),
    'GET /v1/mcp/servers': async (at) =>
      (await call<{ id: string }[]>(at, '/v1/mcp/servers')).map(({ id }) => id),
  },
  tries: null,
  heedsRetryAfter: false,
  onAbort: 'closes it',
  tells: { status: true, code: true },
  told: (error) => {
    if (!(error instanceof CurlFailed)) throw error;
    const body = JSON.parse(error.stdout) as { error: { code?: string; message: string } };
    return {
      status: Number(/error: (\d{3})/.exec(error.message)?.[1]),
      code: body.error.code,
      message: body.error.message,
    };
  },
};
