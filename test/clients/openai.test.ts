import OldOpenAI from 'openai-5-8';
import { describe, expect, it } from 'vitest';
import { connect, openai } from './adapters/openai.ts';
import { clientCases } from './support/cases.ts';
import { ground } from './support/ground.ts';
import { models } from './support/client.ts';
import { failureOf } from './support/happenings.ts';

const on = ground();
clientCases(openai, on);

const body = {
  model: models.chat,
  messages: [{ role: 'user', content: 'Hello' }],
} satisfies OldOpenAI.ChatCompletionCreateParams;

describe('what openai does besides', () => {
  it('its x-stainless headers stay here; it says it accepts JSON where it wants a stream, which is put right', async () => {
    const { site } = on();
    const at = await site.connect();
    await Array.fromAsync(await connect(at).chat.completions.create({ ...body, stream: true }));
    const { headers } = site.upstream.requests.at(-1) ?? {};
    expect(headers?.accept).toBe('text/event-stream');
    expect(Object.keys(headers ?? {}).filter((name) => name.startsWith('x-stainless'))).toEqual([]);
  });

  it('it asks for embeddings in base64 unasked, which Heroku knows; `float` goes on as `raw`', async () => {
    const { site } = on();
    const { embeddings } = connect(await site.connect());
    const asked = { model: models.embeddings, input: 'one' };
    const decoded = await embeddings.create(asked);
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({ encoding_format: 'base64' });
    const floats = await embeddings.create({ ...asked, encoding_format: 'float' });
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({ encoding_format: 'raw' });
    expect(floats.data[0]?.embedding).toHaveLength(decoded.data[0]?.embedding.length ?? 0);
  });

  it('its request id is the one in the ledger and upstream', async () => {
    const { site } = on();
    const at = await site.connect();
    const { _request_id: id } = await connect(at).chat.completions.create(body);
    const [entry] = await site.settled(at.issued.team, 1);
    expect([entry?.request_id, site.upstream.requests.at(-1)?.headers['x-request-id']]).toEqual([id, id]);
  });

  it('a base URL with one /v1 too many gets an error that says so', async () => {
    const at = await on().site.connect();
    const error = await failureOf(() =>
      connect({ ...at, url: `${at.url}/v1` }).chat.completions.create(body),
    );
    expect(openai.told(error)).toMatchObject({ status: 404, code: 'not_found' });
    expect(openai.told(error).message).toContain('one /v1 too many');
  });

  it('5.8 and before can, if the token asks for frames as OpenAI sends them', async () => {
    const { url, token } = await on().site.connect({ frames: 'openai' });
    const old = new OldOpenAI({ apiKey: token, baseURL: `${url}/v1` });
    const chunks = await Array.fromAsync(await old.chat.completions.create({ ...body, stream: true }));
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toContain('Hello');
    expect(new Set(chunks.map(({ choices }) => choices[0]?.finish_reason))).toEqual(new Set([null, 'stop']));
  });

  it('5.8 and before cannot read named events, through a gateway or not', async () => {
    const { site } = on();
    const at = await site.connect();
    const direct = { url: site.upstream.url, token: site.upstream.key };
    for (const { url, token } of [at, direct]) {
      const old = new OldOpenAI({ apiKey: token, baseURL: `${url}/v1` });
      const [chunk] = await Array.fromAsync(await old.chat.completions.create({ ...body, stream: true }));
      expect(chunk).toMatchObject({ event: 'message', data: { object: 'chat.completion.chunk' } });
      const plain = await old.chat.completions.create(body);
      expect(plain.choices[0]?.message.content).toContain('Hello');
    }
  });
});
