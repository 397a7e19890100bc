import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { type AIMessageChunk, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { z } from 'zod';
import { type Connection, type Conversation, weatherTool } from '../support/client.ts';

const weather = tool(weatherTool.run, {
  name: weatherTool.name,
  description: weatherTool.description,
  schema: z.object({ city: z.string() }),
});

/** A conversation through LangChain, whoever makes the model. */
export function langchainConversation(modelAt: (at: Connection) => BaseChatModel): Conversation {
  return {
    plain: async (at, prompt) => (await modelAt(at).invoke(prompt)).text,
    stream: async function* (at, prompt, signal) {
      const stream: AsyncIterable<AIMessageChunk> = await modelAt(at).stream(
        prompt,
        signal ? { signal } : {},
      );
      for await (const chunk of stream) yield chunk.text;
    },
    tools: async (at, prompt) => {
      const model = modelAt(at).bindTools?.([weather]);
      if (!model) throw new Error('It takes no tools.');
      const messages: BaseMessage[] = [new HumanMessage(prompt)];
      const first = await model.invoke(messages);
      const [call] = first.tool_calls ?? [];
      if (call?.id === undefined) throw new Error('No tool was called.');
      const content: string = await weather.invoke(call.args as { city: string });
      return (await model.invoke([...messages, first, new ToolMessage({ content, tool_call_id: call.id })]))
        .text;
    },
  };
}
