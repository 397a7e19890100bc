import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embed, generateText, streamText } from 'ai';
import { describe, expect, it } from 'vitest';
import { respond, streamFrames } from '../support/upstream-scripts.ts';
import { openaiCompatible } from './adapters/openai-compatible.ts';
import { clientCases } from './support/cases.ts';
import { ground } from './support/ground.ts';
import { type Connection, models } from './support/client.ts';
import { halves } from './support/frames.ts';
import { failureOf } from './support/happenings.ts';

const on = ground();
clientCases(openaiCompatible, on);

const provider = ({ url, token }: Connection) =>
  createOpenAICompatible({ name: 'heroku', baseURL: `${url}/v1`, apiKey: token });

describe('what @ai-sdk/openai-compatible does besides', () => {
  it('it asks for embeddings as `float`, which Heroku calls `raw`', async () => {
    const { site } = on();
    const model = provider(await site.connect()).embeddingModel(models.embeddings);
    await embed({ model, value: 'one' });
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({ encoding_format: 'raw' });
  });

  it('it sends a call that a quota refuses three times, although it is told that this is in vain', async () => {
    const { site, watch } = on();
    const at = await site.connect({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
    const model = provider(at).chatModel(models.chat);
    watch.begin();
    await failureOf(() => generateText({ model, prompt: 'Hello' }));
    expect(watch.calls.map(({ status }) => status)).toEqual([429, 429, 429]);
  });

  it('it waits after [DONE] for the end of the answer, which comes with it', async () => {
    const { site } = on();
    const { opening, rest } = halves['POST /v1/chat/completions'];
    site.upstream.script(streamFrames([...opening, ...rest]));
    const { text, finishReason, usage } = streamText({
      model: provider(await site.connect()).chatModel(models.chat),
      prompt: 'Hello',
    });
    expect(await text).toBe('Good day');
    expect(await finishReason).toBe('stop');
    expect((await usage).outputTokens).toBe(2);
  });

  it('it cannot read the object that Heroku sends as reasoning, through a gateway or not', async () => {
    const { site } = on();
    const message = { role: 'assistant', content: '4', reasoning: { thinking: '2 and 2' } };
    const answer = {
      id: '1',
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
    };
    site.upstream.script(respond(200, { 'content-type': 'application/json' }, JSON.stringify(answer)));
    const direct = { url: site.upstream.url, token: site.upstream.key };
    const messages: unknown[] = [];
    for (const at of [await site.connect(), direct]) {
      const model = provider(at).chatModel(models.chat);
      const error = await failureOf(() => generateText({ model, prompt: '2 + 2', maxRetries: 0 }));
      messages.push((error as Error).message);
    }
    expect(messages[0]).toBe(messages[1]);
    expect(messages[0]).toBe('Invalid JSON response');
  });
});
