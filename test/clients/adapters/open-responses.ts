import { createOpenResponses } from '@ai-sdk/open-responses';
import { type ClientUnderTest, type Connection, models } from '../support/client.ts';
import { aiSdkOpenai } from './ai-sdk-openai.ts';
import { aiConversation } from './ai-conversation.ts';

export const modelAt = ({ url, token }: Connection) =>
  createOpenResponses({ name: 'tollgate', url: `${url}/v1/responses`, apiKey: token })(models.chat);

export const openResponses: ClientUnderTest = {
  ...aiSdkOpenai,
  name: '@ai-sdk/open-responses',
  uses: { 'POST /v1/responses': aiConversation(modelAt) },
};
