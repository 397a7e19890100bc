import {
  APICallError,
  generateText,
  type LanguageModel,
  RetryError,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import { z } from 'zod';
import { type Connection, type Conversation, type Told, weatherTool } from '../support/client.ts';

/** A conversation through the AI SDK, whichever provider makes its models. */
export function aiConversation(modelAt: (at: Connection) => LanguageModel): Conversation {
  return {
    plain: async (at, prompt) => (await generateText({ model: modelAt(at), prompt })).text,
    stream: async function* (at, prompt, signal) {
      const { stream } = streamText({
        model: modelAt(at),
        prompt,
        onError: () => undefined, // it prints them otherwise
        ...(signal ? { abortSignal: signal } : {}),
      });
      // `textStream` just ends where the stream failed; the parts say so.
      for await (const part of stream) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'text-delta') yield part.text;
      }
    },
    tools: async (at, prompt) => {
      const { description, run } = weatherTool;
      const weather = tool({ description, inputSchema: z.object({ city: z.string() }), execute: run });
      const tools = { [weatherTool.name]: weather };
      return (await generateText({ model: modelAt(at), prompt, tools, stopWhen: stepCountIs(3) })).text;
    },
  };
}

/** What the AI SDK tells: after several tries, of the last one. */
export function aiTold(error: unknown): Told {
  const last = RetryError.isInstance(error) ? error.lastError : error;
  if (!APICallError.isInstance(last)) throw error;
  const { error: body } = JSON.parse(last.responseBody ?? '{}') as { error?: { code?: string } };
  return { status: last.statusCode, code: body?.code, message: last.message };
}
