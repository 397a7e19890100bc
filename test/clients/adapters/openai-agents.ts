import { Agent, OpenAIProvider, Runner, tool } from '@openai/agents';
import { z } from 'zod';
import { type ClientUnderTest, type Connection, models, weatherTool } from '../support/client.ts';
import { connect, openai } from './openai.ts';

/** Runs agents through the gateway. Its traces would go to OpenAI. */
export const runnerAt = (at: Connection): Runner =>
  new Runner({ modelProvider: new OpenAIProvider({ openAIClient: connect(at) }), tracingDisabled: true });

const weather = tool({
  ...weatherTool,
  parameters: z.object({ city: z.string() }),
  execute: weatherTool.run,
});
export const agent = new Agent({ name: 'Guide', instructions: 'Be brief.', model: models.chat });
export const agentWithTools = agent.clone({ tools: [weather] });

export const openaiAgents: ClientUnderTest = {
  name: '@openai/agents',
  uses: {
    'POST /v1/responses': {
      plain: async (at, prompt) => (await runnerAt(at).run(agent, prompt)).finalOutput ?? '',
      stream: async function* (at, prompt, signal) {
        const run = await runnerAt(at).run(agent, prompt, { stream: true, ...(signal ? { signal } : {}) });
        for await (const event of run) {
          if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta')
            yield event.data.delta;
        }
        await run.completed;
      },
      tools: async (at, prompt) => (await runnerAt(at).run(agentWithTools, prompt)).finalOutput ?? '',
    },
  },
  tries: openai.tries,
  heedsRetryAfter: true,
  onAbort: 'closes it',
  tells: { status: true, code: true },
  told: (error) => openai.told(error),
};
