import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { type ClientUnderTest, type Connection, models, weatherTool } from '../support/client.ts';

/** As its own documents have it, but for the address: without `/v1`. */
export const connect = ({ url, token }: Connection): Anthropic =>
  new Anthropic({ apiKey: token, baseURL: url });

const body = (prompt: string) => ({
  model: models.chat,
  max_tokens: 200,
  messages: [{ role: 'user', content: prompt }] satisfies Anthropic.MessageParam[],
});

const tools: Anthropic.Tool[] = [
  {
    name: weatherTool.name,
    description: weatherTool.description,
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
];

const textOf = ({ content }: Anthropic.Message): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');

export const anthropic: ClientUnderTest = {
  name: '@anthropic-ai/sdk',
  uses: {
    'POST /v1/messages': {
      plain: async (at, prompt) => textOf(await connect(at).messages.create(body(prompt))),
      stream: async function* (at, prompt, signal) {
        const stream = await connect(at).messages.create({ ...body(prompt), stream: true }, { signal });
        for await (const event of stream) {
          if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
            yield event.delta.text;
        }
      },
      tools: async (at, prompt) => {
        const client = connect(at);
        const asked = body(prompt);
        const first = await client.messages.create({ ...asked, tools });
        const call = first.content.find((block) => block.type === 'tool_use');
        if (!call) throw new Error('No tool was called.');
        const content = weatherTool.run(call.input as { city: string });
        const result: Anthropic.ToolResultBlockParam = { type: 'tool_result', tool_use_id: call.id, content };
        const second = await client.messages.create({
          ...asked,
          tools,
          messages: [
            ...asked.messages,
            { role: 'assistant', content: first.content },
            { role: 'user', content: [result] },
          ],
        });
        return textOf(second);
      },
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
  tells: { status: true, code: false },
  told: (error) => {
    if (!(error instanceof APIError)) throw error;
    return { status: error.status as number | undefined, message: error.message };
  },
};
