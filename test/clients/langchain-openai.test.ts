import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { langchainOpenai } from './adapters/langchain-openai.ts';
import { clientCases } from './support/cases.ts';
import { ground } from './support/ground.ts';
import { models } from './support/client.ts';
import { failureOf } from './support/happenings.ts';

const on = ground();
clientCases(langchainOpenai, on);

describe('what @langchain/openai does besides', () => {
  it('it tells a quota that is used up from a wait', async () => {
    const at = await on().site.connect({ limits: [{ metric: 'requests', window: 'month', max: 0 }] });
    const configuration = { baseURL: `${at.url}/v1` };
    const chat = new ChatOpenAI({ model: models.chat, apiKey: at.token, configuration });
    expect(await failureOf(() => chat.invoke('Hello'))).toMatchObject({ name: 'InsufficientQuotaError' });
  });

  it('it sends embeddings 512 at a time, each batch charged as one request', async () => {
    const { site, watch } = on();
    const at = await site.connect();
    const configuration = { baseURL: `${at.url}/v1` };
    const embeddings = new OpenAIEmbeddings({ model: models.embeddings, apiKey: at.token, configuration });
    const vectors = await embeddings.embedDocuments(Array.from({ length: 600 }, (_, n) => `text ${n}`));
    expect(vectors).toHaveLength(600);
    expect(new Set(vectors.map(String)).size).toBe(600);
    expect(watch.calls).toHaveLength(2);
    expect(await site.settled(at.issued.team, 2)).toHaveLength(2);
  });

  it('its usage is reported, streamed or not', async () => {
    const at = await on().site.connect();
    const configuration = { baseURL: `${at.url}/v1` };
    const chat = new ChatOpenAI({ model: models.chat, apiKey: at.token, configuration });
    const reported = { usage_metadata: { output_tokens: expect.any(Number) as unknown } };
    expect(await chat.invoke('Hello')).toMatchObject(reported);
    const chunks = await Array.fromAsync(await chat.stream('Hello'));
    expect(chunks.find((chunk) => chunk.usage_metadata)).toMatchObject(reported);
  });

  it('through the Responses API, a second round has the thoughts and calls of the first in it', async () => {
    const { site } = on();
    const { url, token } = await site.connect();
    const chat = new ChatOpenAI({
      model: models.chat,
      apiKey: token,
      useResponsesApi: true,
      modelKwargs: { reasoning: { effort: 'low' } }, // `reasoning` goes to models with OpenAI's names only
      configuration: { baseURL: `${url}/v1` },
    }).bindTools([{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } }]);
    const asked = new HumanMessage('How is the weather?');
    const first = await chat.invoke([asked]);
    expect(first.content).toMatchObject([
      { type: 'reasoning', reasoning: 'I do not think. I say what I heard.' },
    ]);
    const [call] = first.tool_calls ?? [];
    const result = new ToolMessage({ content: 'Snow', tool_call_id: call?.id ?? '' });
    expect((await chat.invoke([asked, first, result])).text).toContain('Snow');
  });

  it('through the Responses API, an object that fits a schema is one', async () => {
    const { url, token } = await on().site.connect();
    const configuration = { baseURL: `${url}/v1` };
    const chat = new ChatOpenAI({ model: models.chat, apiKey: token, useResponsesApi: true, configuration });
    const city = z.object({ city: z.string() });
    expect(await chat.withStructuredOutput(city).invoke('Which city?')).toEqual({ city: 'example' });
  });
});
