import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { type ClientUnderTest, models } from '../support/client.ts';
import { langchainConversation } from './langchain.ts';

export const langchainOpenai: ClientUnderTest = {
  name: '@langchain/openai',
  uses: {
    'POST /v1/chat/completions': langchainConversation(
      ({ url, token }) =>
        new ChatOpenAI({ model: models.chat, apiKey: token, configuration: { baseURL: `${url}/v1` } }),
    ),
    'POST /v1/responses': langchainConversation(
      ({ url, token }) =>
        new ChatOpenAI({
          model: models.chat,
          apiKey: token,
          useResponsesApi: true,
          configuration: { baseURL: `${url}/v1` },
        }),
    ),
    'POST /v1/embeddings': async ({ url, token }, texts) => {
      const configuration = { baseURL: `${url}/v1` };
      const embeddings = new OpenAIEmbeddings({ model: models.embeddings, apiKey: token, configuration });
      return await embeddings.embedDocuments(texts);
    },
  },
  tries: { unauthorized: 1, busy: 7, later: 1, quota: 1, failed: 7 },
  heedsRetryAfter: false,
  onAbort: 'closes it',
  tells: { status: true, code: true },
  told: (error) => {
    const { status, code, message } = error as { status?: number; code?: string; message: string };
    return { status, code, message };
  },
};
