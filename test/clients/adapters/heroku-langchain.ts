import { ChatHeroku, HerokuAgent, HerokuEmbeddings } from 'heroku-langchain';
import { type ClientUnderTest, models } from '../support/client.ts';
import { langchainConversation } from './langchain.ts';

export const herokuLangchain: ClientUnderTest = {
  name: 'heroku-langchain',
  uses: {
    'POST /v1/chat/completions': langchainConversation(
      ({ url, token }) => new ChatHeroku({ model: models.chat, apiKey: token, apiUrl: url }),
    ),
    'POST /v1/embeddings': async ({ url, token }, texts) => {
      const embeddings = new HerokuEmbeddings({ model: models.embeddings, apiKey: token, apiUrl: url });
      return await embeddings.embedDocuments(texts);
    },
    'POST /v1/agents/heroku': async ({ url, token }, prompt) => {
      const agent = new HerokuAgent({ model: models.chat, apiKey: token, apiUrl: url });
      return (await agent.invoke(prompt)).text;
    },
  },
  tries: { unauthorized: 3, busy: 3, later: 3, quota: 3, failed: 3 },
  heedsRetryAfter: false,
  onAbort: 'leaves it open',
  tells: { status: true, code: false },
  told: (error) => {
    const { status, message } = error as { status?: number; message: string };
    return { status, message };
  },
};
