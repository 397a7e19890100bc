import { ChatHeroku, HerokuEmbeddings } from 'heroku-langchain';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { streamFrames } from '../support/upstream-scripts.ts';
import { herokuLangchain } from './adapters/heroku-langchain.ts';
import { asConfigVars } from './support/as-config-vars.ts';
import { clientCases } from './support/cases.ts';
import { ground } from './support/ground.ts';
import { models } from './support/client.ts';
import { halves } from './support/frames.ts';
import { failureOf } from './support/happenings.ts';

const on = ground();
// It prints what it is about to throw.
beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue());
clientCases(herokuLangchain, on);

const { opening } = halves['POST /v1/chat/completions'];

describe('what heroku-langchain does besides', () => {
  it('it needs nothing but the config vars changed', async () => {
    asConfigVars(await on().site.connect(), ['INFERENCE', 'EMBEDDING']);
    expect((await new ChatHeroku({ model: models.chat }).invoke('Hello')).text).toContain('Hello');
    expect(await new HerokuEmbeddings({ model: models.embeddings }).embedQuery('one')).not.toHaveLength(0);
  });

  it('it always sends a temperature of 1 and a top_p of 0.999', async () => {
    const { site } = on();
    const { url, token } = await site.connect();
    await new ChatHeroku({ model: models.chat, apiUrl: url, apiKey: token }).invoke('Hello');
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({ temperature: 1, top_p: 0.999 });
  });

  it('it sends a call that is wrong three times', async () => {
    const { site, watch } = on();
    const { url, token } = await site.connect();
    const chat = new ChatHeroku({ model: models.chat, apiUrl: url, apiKey: token, maxTokens: -1 });
    watch.begin();
    await failureOf(() => chat.invoke('Hello'));
    expect(watch.calls.map(({ status }) => status)).toEqual([400, 400, 400]);
  });

  it('it looks for the message of an error where none is: the status is told, the rest is beside it', async () => {
    const { url } = on().site;
    const chat = new ChatHeroku({ model: models.chat, apiUrl: url, apiKey: 'none', maxRetries: 0 });
    const error = await failureOf(() => chat.invoke('Hello'));
    expect((error as Error).message).toBe('Heroku API request failed with status 401: Unauthorized');
    expect(error).toMatchObject({ errorResponse: { error: { code: 'invalid_token' } } });
  });

  it.each(['through the gateway', 'directly'])(
    'a [DONE] without its event name fails it, %s',
    async (how) => {
      const { site } = on();
      const { url, token } =
        how === 'directly' ? { url: site.upstream.url, token: site.upstream.key } : await site.connect();
      const chat = new ChatHeroku({ model: models.chat, apiUrl: url, apiKey: token });
      site.upstream.script(streamFrames([...opening, 'data: [DONE]\n\n']));
      const error = await failureOf(async () => await Array.fromAsync(await chat.stream('Hello')));
      expect((error as Error).message).toBe('Failed to parse Heroku SSE data chunk');
      // As Heroku sends it, it ends there: the frames come through as they are.
      site.upstream.script(null);
      const chunks = await Array.fromAsync(await chat.stream('Hello'));
      expect(chunks.map((chunk) => chunk.text).join('')).toContain('Hello');
    },
  );
});
