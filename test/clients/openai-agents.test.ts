import { Agent } from '@openai/agents';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, agentWithTools, openaiAgents, runnerAt } from './adapters/openai-agents.ts';
import { clientCases } from './support/cases.ts';
import { models, weatherSaid } from './support/client.ts';
import { ground } from './support/ground.ts';
import { pixel } from './support/pixel.ts';

const on = ground();
clientCases(openaiAgents, on);

describe('what @openai/agents does besides', () => {
  it('a run goes on from the history of another, thoughts and tool calls in it', async () => {
    const { site } = on();
    const runner = runnerAt(await site.connect());
    const thinking = agentWithTools.clone({ modelSettings: { reasoning: { effort: 'low' } } });
    const first = await runner.run(thinking, 'How is the weather?');
    expect(first.newItems.map(({ type }) => type)).toEqual([
      'reasoning_item',
      'tool_call_item',
      'tool_call_output_item',
      'reasoning_item',
      'message_output_item',
    ]);
    const second = await runner.run(agent, [...first.history, { role: 'user', content: 'Thank you' }]);
    expect(second.finalOutput).toContain('Thank you');
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'How is the weather?' },
        { role: 'assistant', tool_calls: [{ function: { name: 'get_weather' } }] },
        { role: 'tool', content: expect.stringContaining(weatherSaid) as unknown },
        { role: 'assistant' },
        { role: 'user', content: 'Thank you' },
      ],
    });
  });

  it('an agent hands over to another', async () => {
    const runner = runnerAt(await on().site.connect());
    const triage = Agent.create({ name: 'Triage', model: models.chat, handoffs: [agent] });
    const { lastAgent, finalOutput } = await runner.run(triage, 'Hello there');
    expect([lastAgent?.name, finalOutput]).toEqual([agent.name, expect.stringContaining('stand-in')]);
  });

  it('an output of a type is one', async () => {
    const runner = runnerAt(await on().site.connect());
    const typed = new Agent({
      name: 'Typed',
      model: models.chat,
      outputType: z.object({ city: z.string() }),
    });
    expect((await runner.run(typed, 'Which city?')).finalOutput).toEqual({ city: 'example' });
  });

  it('an image reaches the model', async () => {
    const { site } = on();
    const content = [
      { type: 'input_text', text: 'What is this?' } as const,
      { type: 'input_image', image: pixel } as const,
    ];
    await runnerAt(await site.connect()).run(agent, [{ role: 'user', content }]);
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({
      messages: [{}, { content: [{ type: 'text' }, { type: 'image_url', image_url: { url: pixel } }] }],
    });
  });
});
