import { createOpenAI } from '@ai-sdk/openai';
import {
  generateText,
  type LanguageModel,
  type ModelMessage,
  Output,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { aiSdkOpenai, modelAt } from './adapters/ai-sdk-openai.ts';
import { modelAt as openModelAt, openResponses } from './adapters/open-responses.ts';
import { clientCases } from './support/cases.ts';
import { type Connection, models, weatherSaid, weatherTool } from './support/client.ts';
import { ground } from './support/ground.ts';
import { failureOf } from './support/happenings.ts';
import { pixel } from './support/pixel.ts';

/* The two providers of the AI SDK that speak the Responses API. */

const on = ground();
clientCases(aiSdkOpenai, on);
clientCases(openResponses, on);

const asked: ModelMessage = { role: 'user', content: 'How is the weather?' };
const thanks: ModelMessage = { role: 'user', content: 'Thank you' };
const weather = tool({
  description: weatherTool.description,
  inputSchema: z.object({ city: z.string() }),
  execute: weatherTool.run,
});
const withTools = { tools: { [weatherTool.name]: weather }, stopWhen: stepCountIs(3), maxRetries: 0 };
const unstored = { providerOptions: { openai: { store: false } } };
/** Asks a model to think. @ai-sdk/openai does so only if it knows the model for one that can, or is told. */
const thinking = {
  reasoning: 'low',
  providerOptions: { openai: { reasoningEffort: 'low', forceReasoning: true } },
} as const;

describe.each<[string, (at: Connection) => LanguageModel]>([
  ['@ai-sdk/openai', modelAt],
  ['@ai-sdk/open-responses', openModelAt],
])('what %s does besides', (_name, modelOf) => {
  it('a second turn has the first in it, tools and all, if it is told to store nothing', async () => {
    const { site } = on();
    const model = modelOf(await site.connect());
    const first = await generateText({ model, ...unstored, ...withTools, messages: [asked] });
    expect(first.text).toContain(weatherSaid);
    const messages = [asked, ...first.responseMessages, thanks];
    const { text: second } = await generateText({
      model,
      ...unstored,
      ...withTools,
      messages,
      toolChoice: 'none',
    });
    expect(second).toContain('Thank you');
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({
      messages: [
        asked,
        { role: 'assistant', tool_calls: [{ function: { name: weatherTool.name } }] },
        { role: 'tool' },
        { role: 'assistant', content: first.text },
        thanks,
      ],
    });
  });

  it('it shows what a model thought, streamed or not', async () => {
    const model = modelOf(await on().site.connect());
    const call = { model, ...thinking, prompt: 'Hello' };
    expect((await generateText(call)).reasoningText).toContain('I do not think.');
    expect(await streamText(call).reasoningText).toContain('I do not think.');
  });

  it('an object that fits a schema is one', async () => {
    const model = modelOf(await on().site.connect());
    const output = Output.object({ schema: z.object({ city: z.string() }) });
    expect((await generateText({ model, prompt: 'Which city?', output })).output).toEqual({
      city: 'example',
    });
  });

  it('an image reaches the model', async () => {
    const { site } = on();
    const content = [
      { type: 'text', text: 'What is this?' } as const,
      { type: 'file', mediaType: 'image/png', data: new URL(pixel) } as const,
    ];
    await generateText({ model: modelOf(await site.connect()), messages: [{ role: 'user', content }] });
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({
      messages: [{ content: [{ type: 'text' }, { type: 'image_url', image_url: { url: pixel } }] }],
    });
  });
});

describe('what @ai-sdk/openai does unless it is told to store nothing', () => {
  it('a second turn refers to the text of the first, which is refused with the remedy', async () => {
    const model = modelAt(await on().site.connect());
    const { responseMessages } = await generateText({ model, prompt: 'Hello' });
    const messages: ModelMessage[] = [{ role: 'user', content: 'Hello' }, ...responseMessages, thanks];
    const error = await failureOf(() => generateText({ model, messages }));
    expect(aiSdkOpenai.told(error)).toMatchObject({ status: 400, code: 'invalid_body' });
    expect(aiSdkOpenai.told(error).message).toContain('store: false');
  });

  it('rounds with tools need no more than that, even if the model thinks', async () => {
    const model = modelAt(await on().site.connect());
    const { text } = await generateText({ model, ...withTools, ...thinking, messages: [asked] });
    expect(text).toContain(weatherSaid);
  });

  it('its chat models send no references', async () => {
    const { url, token } = await on().site.connect();
    const model = createOpenAI({ baseURL: `${url}/v1`, apiKey: token }).chat(models.chat);
    const { responseMessages } = await generateText({ model, prompt: 'Hello' });
    const messages: ModelMessage[] = [{ role: 'user', content: 'Hello' }, ...responseMessages, thanks];
    expect((await generateText({ model, messages })).text).toContain('Thank you');
  });
});

interface Turn {
  text: string;
  responseMessages: ModelMessage[];
}

describe('what @ai-sdk/openai does with a gateway that keeps items', () => {
  const keeping = ground({ RESPONSES_STORE_BYTES: '1000000' });

  it.each<[string, (model: LanguageModel, messages: ModelMessage[]) => Promise<Turn>]>([
    ['plain', (model, messages) => generateText({ model, ...withTools, ...thinking, messages })],
    [
      'streamed',
      async (model, messages) => {
        const turn = streamText({ model, ...withTools, ...thinking, messages });
        return { text: await turn.text, responseMessages: await turn.responseMessages };
      },
    ],
  ])('a third turn, %s, has all of the others in it, without being told anything', async (_how, turn) => {
    const { site } = keeping();
    const model = modelAt(await site.connect());
    const first = await turn(model, [asked]);
    const soFar = [asked, ...first.responseMessages, { role: 'user', content: 'Why?' } as const];
    const second = await turn(model, soFar);
    await turn(model, [...soFar, ...second.responseMessages, thanks]);
    const called = [{ role: 'assistant', tool_calls: [{}] }, { role: 'tool' }];
    expect(site.upstream.requests.at(-2)?.body).toMatchObject({
      messages: [
        asked,
        ...called,
        { role: 'assistant', content: first.text },
        { role: 'user', content: 'Why?' },
        ...called,
        { role: 'assistant', content: second.text },
        thanks,
      ],
    });
  });
});
