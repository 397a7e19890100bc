import OpenAI, { APIError } from 'openai';
import { type ClientUnderTest, type Connection, models, weatherTool } from '../support/client.ts';

/** The package as people use it: the base URL with `/v1`, the token as its key, its own retries. */
export const connect = ({ url, token }: Connection): OpenAI =>
  new OpenAI({ apiKey: token, baseURL: `${url}/v1` });

const user = (content: string): OpenAI.ChatCompletionMessageParam => ({ role: 'user', content });

const declared = {
  name: weatherTool.name,
  description: weatherTool.description,
  strict: true,
  parameters: {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
};
const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: declared }];
export const responsesTool: OpenAI.Responses.FunctionTool = { type: 'function', ...declared };

/** What an answer's items are sent back as: the same, as far as they can come here. */
export function asInput(
  output: readonly OpenAI.Responses.ResponseOutputItem[],
): OpenAI.Responses.ResponseInput {
  return output.filter(
    (item) => item.type === 'message' || item.type === 'reasoning' || item.type === 'function_call',
  );
}

export const openai: ClientUnderTest = {
  name: 'openai',
  uses: {
    'POST /v1/chat/completions': {
      plain: async (at, prompt) => {
        const { choices } = await connect(at).chat.completions.create({
          model: models.chat,
          messages: [user(prompt)],
        });
        return choices[0]?.message.content ?? '';
      },
      stream: async function* (at, prompt, signal) {
        const body = { model: models.chat, messages: [user(prompt)] };
        const stream = await connect(at).chat.completions.create({ ...body, stream: true }, { signal });
        for await (const { choices } of stream) yield choices[0]?.delta.content ?? '';
      },
      tools: async (at, prompt) => {
        const client = connect(at);
        const asked = { model: models.chat, tools, messages: [user(prompt)] };
        const first = await client.chat.completions.create(asked);
        const said = first.choices[0]?.message;
        const call = said?.tool_calls?.[0];
        if (!said || call?.type !== 'function') throw new Error('No tool was called.');
        const content = weatherTool.run(JSON.parse(call.function.arguments) as { city: string });
        const { choices } = await client.chat.completions.create({
          ...asked,
          messages: [...asked.messages, said, { role: 'tool', tool_call_id: call.id, content }],
        });
        return choices[0]?.message.content ?? '';
      },
    },
    'POST /v1/responses': {
      plain: async (at, prompt) =>
        (await connect(at).responses.create({ model: models.chat, input: prompt })).output_text,
      stream: async function* (at, prompt, signal) {
        const body = { model: models.chat, input: prompt, stream: true } as const;
        for await (const event of await connect(at).responses.create(body, { signal })) {
          if (event.type === 'response.output_text.delta') yield event.delta;
        }
      },
      tools: async (at, prompt) => {
        const client = connect(at);
        const asked = { model: models.chat, tools: [responsesTool] };
        const first = await client.responses.create({ ...asked, input: prompt });
        const call = first.output.find((item) => item.type === 'function_call');
        if (!call) throw new Error('No tool was called.');
        const output = weatherTool.run(JSON.parse(call.arguments) as { city: string });
        const { output_text: answer } = await client.responses.create({
          ...asked,
          input: [
            { role: 'user', content: prompt },
            ...asInput(first.output),
            { type: 'function_call_output', call_id: call.call_id, output },
          ],
        });
        return answer;
      },
    },
    'POST /v1/embeddings': async (at, input) => {
      const { data } = await connect(at).embeddings.create({ model: models.embeddings, input });
      return data.map(({ embedding }) => embedding);
    },
    'POST /v1/images/generations': async (at, prompt) => {
      const { data } = await connect(at).images.generate({ model: models.images, prompt, n: 1 });
      return data?.[0]?.b64_json ?? '';
    },
    'GET /v1/models': async (at) => {
      const ids: string[] = [];
      for await (const { id } of connect(at).models.list()) ids.push(id);
      return ids;
    },
  },
  tries: { unauthorized: 1, busy: 3, later: 1, quota: 1, failed: 3 },
  heedsRetryAfter: true,
  onAbort: 'closes it',
  tells: { status: true, code: true },
  told: (error) => {
    if (!(error instanceof APIError)) throw error;
    return { status: error.status, code: error.code, message: error.message };
  },
};
