import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { describe, expect, it } from 'vitest';
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
});
