import type OpenAI from 'openai';
import OldOpenAI from 'openai-5-8';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asInput, connect, openai } from './adapters/openai.ts';
import { clientCases } from './support/cases.ts';
import { ground } from './support/ground.ts';
import { models } from './support/client.ts';
import { failureOf } from './support/happenings.ts';
import { pixel } from './support/pixel.ts';

const on = ground();
clientCases(openai, on);

const said = { model: models.chat, input: 'Hello' };
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

describe('what openai does with responses besides', () => {
  const city = z.object({ city: z.string() });
  const tools = [zodResponsesFunction({ name: 'get_weather', parameters: city })];

  it('`.stream` gathers thoughts and calls, and takes them in the next round', async () => {
    const { site } = on();
    const { responses } = connect(await site.connect());
    const wanted = { model: models.chat, tools, reasoning: { effort: 'low' } as const };
    const { output } = await responses.stream({ ...wanted, input: 'How is the weather?' }).finalResponse();
    expect(output).toMatchObject([
      { type: 'reasoning', summary: [{ text: 'I do not think. I say what I heard.' }] },
      { type: 'function_call', parsed_arguments: { city: 'example' } },
    ]);
    const [, call] = output;
    if (call?.type !== 'function_call') throw new Error('No tool was called.');
    const result = { type: 'function_call_output', call_id: call.call_id, output: 'Snow' } as const;
    const input = [{ role: 'user', content: 'How is the weather?' } as const, ...asInput(output), result];
    const second = await responses.stream({ ...wanted, input }).finalResponse();
    expect(second.output_text).toContain('Snow');
  });

  it('`.parse` gives an object that fits a schema', async () => {
    const { responses } = connect(await on().site.connect());
    const text = { format: zodTextFormat(city, 'place') };
    const { output_parsed: parsed } = await responses.parse({
      model: models.chat,
      input: 'Which city?',
      text,
    });
    expect(parsed).toEqual({ city: 'example' });
  });

  it('an image reaches the model', async () => {
    const { site } = on();
    const content = [
      { type: 'input_text', text: 'What is this?' } as const,
      { type: 'input_image', image_url: pixel, detail: 'auto' } as const,
    ];
    const { responses } = connect(await site.connect());
    await responses.create({ model: models.chat, input: [{ role: 'user', content }] });
    expect(site.upstream.requests.at(-1)?.body).toMatchObject({
      messages: [{ content: [{ type: 'text' }, { type: 'image_url', image_url: { url: pixel } }] }],
    });
  });

  it('an answer that was cut at max_output_tokens says so', async () => {
    const { responses } = connect(await on().site.connect());
    const asked = { model: models.chat, input: 'Hello', max_output_tokens: 4 };
    const cut = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    expect(await responses.create(asked)).toMatchObject(cut);
    expect(await responses.stream(asked).finalResponse()).toMatchObject(cut);
  });

  it.each<[string, (client: OpenAI, id: string) => Promise<unknown>, string]>([
    [
      'goes on from another',
      (client, id) => client.responses.create({ ...said, previous_response_id: id }),
      'input',
    ],
    [
      'runs in the background',
      (client) => client.responses.create({ ...said, background: true }),
      'set stream',
    ],
    ['is fetched', (client, id) => client.responses.retrieve(id), 'not stored'],
    ['is deleted', (client, id) => client.responses.delete(id), 'not stored'],
  ])('a response that %s is refused with the remedy', async (_how, call, remedy) => {
    const client = connect(await on().site.connect());
    const { id, ...response } = await client.responses.create({ ...said, store: true });
    expect([id, response]).toEqual([
      expect.stringMatching(/^resp_/),
      expect.objectContaining({ store: false }),
    ]);
    const error = await failureOf(() => call(client, id));
    expect(openai.told(error).message).toContain(remedy);
  });
});
