import { ChatOpenAI } from '@langchain/openai';
import { describe, expect, it } from 'vitest';
import { langchainOpenai } from './adapters/langchain-openai.ts';
import { clientCases, ground } from './support/cases.ts';
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
