import { createOpenAI } from '@ai-sdk/openai';
import { type ClientUnderTest, type Connection, models } from '../support/client.ts';
import { aiConversation, aiTold } from './ai-conversation.ts';

/** `openai('…')` of the AI SDK, which speaks the Responses API. */
export const modelAt = ({ url, token }: Connection) =>
  createOpenAI({ baseURL: `${url}/v1`, apiKey: token })(models.chat);

export const aiSdkOpenai: ClientUnderTest = {
  name: '@ai-sdk/openai',
  uses: { 'POST /v1/responses': aiConversation(modelAt) },
  tries: { unauthorized: 1, busy: 3, later: 3, quota: 3, failed: 3 },
  heedsRetryAfter: true,
  onAbort: 'closes it',
  tells: { status: true, code: true },
  told: aiTold,
};
