import { embedMany, generateText, streamText } from 'ai';
import { createHerokuAI } from 'heroku-ai-provider';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../src/config/environment.ts';
import { hang, streamFrames } from '../support/upstream-scripts.ts';
import { waitFor } from '../support/wait-for.ts';
import { chatModel, connect, herokuAiProvider } from './adapters/heroku-ai-provider.ts';
import { asConfigVars } from './support/as-config-vars.ts';
import { clientCases } from './support/cases.ts';
import { ground } from './support/ground.ts';
import { models } from './support/client.ts';
import { halves } from './support/frames.ts';
import { failureOf } from './support/happenings.ts';

const on = ground();
clientCases(herokuAiProvider, on);

describe('what heroku-ai-provider does besides', () => {
  it('it needs nothing but the config vars changed', async () => {
    asConfigVars(await on().site.connect(), ['INFERENCE', 'EMBEDDING', 'DIFFUSION']);
    const { text } = await generateText({ model: chatModel(createHerokuAI()), prompt: 'Hello' });
    expect(text).toContain('Hello');
  });

  it('it gives up on an answer after 30 s and asks again, four times in all; each of them ends upstream', async () => {
    const { site, watch } = on();
    const at = await site.connect();
    const { aborted } = site.upstream;
    site.upstream.script(hang());
    watch.begin({ hurryTimeouts: true });
    await failureOf(() => generateText({ model: chatModel(connect(at)), prompt: 'Hello', maxRetries: 0 }));
    expect(watch.waitsMs.filter((ms) => ms === 30_000)).toHaveLength(4);
    await waitFor(() => site.upstream.aborted === aborted + 4, { what: 'each call to be left' });
    const entries = await site.settled(at.issued.team, 4);
    expect(entries.map(({ outcome }) => outcome)).toEqual(Array<string>(4).fill('aborted'));
  });

  it('on a dyno the gateway answers before it gives up', () => {
    const env = { DYNO: 'web.1', INFERENCE_URL: 'https://a.example', INFERENCE_KEY: 'inf-1' };
    expect(readSettings(env)).toMatchObject({ settings: { upstreamTimeoutMs: 28_000 } });
  });

  it('a refused call takes it half a minute and more with its own tries and those of the AI SDK', async () => {
    const { site, watch } = on();
    const at = await site.connect({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
    watch.begin();
    await failureOf(() => generateText({ model: chatModel(connect(at)), prompt: 'Hello' }));
    const waitedMs = watch.waitsMs.filter((ms) => ms < 30_000).reduce((sum, ms) => sum + ms, 0);
    expect(watch.calls).toHaveLength(12);
    expect(waitedMs).toBeGreaterThan(20_000);
  });

  it('it sends embeddings a hundred at a time, which go on as 96 and 4, charged as one', async () => {
    const { site, watch } = on();
    const at = await site.connect();
    const values = Array.from({ length: 100 }, (_, n) => `text ${n}`);
    const before = site.upstream.requests.length;
    const { embeddings } = await embedMany({ model: connect(at).embedding(models.embeddings), values });
    expect(embeddings).toHaveLength(100);
    expect(watch.calls).toHaveLength(1);
    const inputs = site.upstream.requests
      .slice(before)
      .map(({ body }) => (body as { input: string[] }).input);
    expect(inputs.map(({ length }) => length).toSorted((a, b) => b - a)).toEqual([96, 4]);
    expect(await site.settled(at.issued.team, 1)).toMatchObject([{ outcome: 'ok', usage: 'reported' }]);
    expect(await site.usage(at.issued.team)).toMatchObject({ requests: 1 });
  });

  it('it gets the usage and the reason of the end that it needs', async () => {
    const { site } = on();
    const provider = connect(await site.connect());
    const plain = await generateText({ model: chatModel(provider), prompt: 'Hello' });
    expect(plain).toMatchObject({
      finishReason: 'stop',
      usage: { outputTokens: expect.any(Number) as unknown },
    });
    const { opening, rest } = halves['POST /v1/chat/completions'];
    site.upstream.script(streamFrames([...opening, ...rest]));
    const streamed = streamText({ model: chatModel(provider), prompt: 'Hello' });
    expect(await streamed.finishReason).toBe('stop');
    expect((await streamed.usage).outputTokens).toBe(2);
  });
});
