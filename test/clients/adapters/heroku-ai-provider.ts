import { embedMany, generateImage, type LanguageModel } from 'ai';
import { createHerokuAI } from 'heroku-ai-provider';
import { type ClientUnderTest, type Connection, models } from '../support/client.ts';
import { aiConversation, aiTold } from './ai-conversation.ts';

/** What INFERENCE_URL and INFERENCE_KEY would give it, for all three kinds of models. */
export const connect = ({ url, token }: Connection): ReturnType<typeof createHerokuAI> =>
  createHerokuAI({
    chatBaseUrl: url,
    chatApiKey: token,
    embeddingsBaseUrl: url,
    embeddingsApiKey: token,
    imageBaseUrl: url,
    imageApiKey: token,
  });

/** A model as the AI SDK takes it: the provider's types were not written for exactOptionalPropertyTypes. */
export function chatModel(provider: ReturnType<typeof connect>): LanguageModel {
  const model: unknown = provider.chat(models.chat);
  return model as LanguageModel;
}

export const herokuAiProvider: ClientUnderTest = {
  name: 'heroku-ai-provider',
  uses: {
    'POST /v1/chat/completions': aiConversation((at) => chatModel(connect(at))),
    'POST /v1/embeddings': async (at, values) => {
      const { embeddings } = await embedMany({ model: connect(at).embedding(models.embeddings), values });
      return embeddings;
    },
    'POST /v1/images/generations': async (at, prompt) => {
      const { image } = await generateImage({ model: connect(at).image(models.images), prompt });
      return image.base64;
    },
  },
  // Its own four, for each of the AI SDK's three.
  tries: { unauthorized: 1, busy: 12, later: 12, quota: 12, failed: 12 },
  heedsRetryAfter: false,
  onAbort: 'leaves it open',
  tells: { status: true, code: false },
  told: aiTold,
};
