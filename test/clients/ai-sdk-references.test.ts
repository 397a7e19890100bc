import { generateText, type LanguageModel, type ModelMessage, stepCountIs, streamText, tool } from 'ai';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { modelAt } from './adapters/ai-sdk-openai.ts';
import { weatherSaid, weatherTool } from './support/client.ts';
import { ground } from './support/ground.ts';

/* @ai-sdk/openai as it is without options, with a gateway that keeps items: it refers to what the model said. */

const on = ground({ RESPONSES_STORE_BYTES: '1000000' });

let model: LanguageModel;
beforeAll(async () => {
  model = modelAt(await on().site.connect());
});

const asked: ModelMessage = { role: 'user', content: 'How is the weather?' };
const thanks: ModelMessage = { role: 'user', content: 'Thank you' };
const weather = tool({
  description: weatherTool.description,
  inputSchema: z.object({ city: z.string() }),
  execute: weatherTool.run,
});
const withTools = { tools: { [weatherTool.name]: weather }, stopWhen: stepCountIs(3), maxRetries: 0 };
const thinking = {
  reasoning: 'low',
  providerOptions: { openai: { reasoningEffort: 'low', forceReasoning: true } },
} as const;

interface Turn {
  text: string;
  responseMessages: ModelMessage[];
}

const plain = async (messages: ModelMessage[]): Promise<Turn> =>
  generateText({ model, ...withTools, ...thinking, messages });
const streamed = async (messages: ModelMessage[]): Promise<Turn> => {
  const turn = streamText({ model, ...withTools, ...thinking, messages });
  return { text: await turn.text, responseMessages: await turn.responseMessages };
};

describe.each([
  ['plain', plain],
  ['streamed', streamed],
])('a conversation of three turns, %s,', (_, turn) => {
  it('has all that was said, thoughts and tools included', async () => {
    const first = await turn([asked]);
    expect(first.text).toContain(weatherSaid);
    const soFar = [asked, ...first.responseMessages, thanks];
    const second = await turn(soFar);
    const bye: ModelMessage = { role: 'user', content: 'Goodbye' };
    await turn([...soFar, ...second.responseMessages, bye]);
    expect(on().site.upstream.requests.at(-1)?.body).toMatchObject({
      messages: expect.arrayContaining([
        expect.objectContaining({ role: 'assistant', content: first.text }),
        expect.objectContaining({ role: 'user', content: 'Thank you' }),
        expect.objectContaining({ role: 'user', content: 'Goodbye' }),
      ]) as unknown,
    });
  });
});
