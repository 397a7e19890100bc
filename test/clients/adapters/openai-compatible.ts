import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateImage } from 'ai';
import { type ClientUnderTest, type Connection, models } from '../support/client.ts';
import { aiConversation, aiTold } from './ai-conversation.ts';

const connect = ({ url, token }: Connection) =>
  createOpenAICompatible({ name: 'heroku', baseURL: `${url}/v1`, apiKey: token });

export const openaiCompatible: ClientUnderTest = {
  name: '@ai-sdk/openai-compatible',
  uses: {
    'POST /v1/chat/completions': aiConversation((at) => connect(at).chatModel(models.chat)),
    'POST /v1/embeddings': async (at, values) => {
      const { embeddings } = await embedMany({
        model: connect(at).embeddingModel(models.embeddings),
        values,
      });
      return embeddings;
    },
    'POST /v1/images/generations': async (at, prompt) => {
      const { image } = await generateImage({ model: connect(at).imageModel(models.images), prompt });
      return image.base64;
    },
  },
  tries: { unauthorized: 1, busy: 3, later: 3, quota: 3, failed: 3 },
  heedsRetryAfter: true,
  onAbort: 'closes it',
  tells: { status: true, code: true },
  told: aiTold,
};
