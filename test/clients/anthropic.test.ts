import OldAnthropic from 'anthropic-0';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { anthropic, connect } from './adapters/anthropic.ts';
import { clientCases } from './support/cases.ts';
import { ground } from './support/ground.ts';
import { models, weatherSaid, weatherTool } from './support/client.ts';
import { failureOf } from './support/happenings.ts';
import { respond } from '../support/upstream-scripts.ts';

const on = ground();
clientCases(anthropic, on);

const body = {
  model: models.chat,
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hello' }],
} satisfies OldAnthropic.MessageCreateParams;

describe('what @anthropic-ai/sdk does besides', () => {
  it('1.x sends its key as a Bearer, 0.x as x-api-key', async () => {
    const { site } = on();
    const at = await site.connect();
    await connect(at).messages.create(body);
    const old = new OldAnthropic({ apiKey: at.token, baseURL: at.url });
    await old.messages.create(body);
    expect(await site.settled(at.issued.team, 2)).toMatchObject([{ outcome: 'ok' }, { outcome: 'ok' }]);
    for (const { headers } of site.upstream.requests.slice(-2)) {
      expect(headers.authorization).toBe(`Bearer ${site.upstream.key}`);
      expect(JSON.stringify(headers)).not.toContain(at.token);
    }
  });

  it('its anthropic-version and anthropic-beta go on', async () => {
    const { site } = on();
    const at = await site.connect();
    await connect(at).beta.messages.create({ ...body, betas: ['interleaved-thinking-2025-05-14'] });
    expect(site.upstream.requests.at(-1)?.headers).toMatchObject({
      'anthropic-version': expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as unknown,
      'anthropic-beta': 'interleaved-thinking-2025-05-14',
    });
  });

  it('it counts tokens, as an estimate that costs nothing', async () => {
    const { site } = on();
    const at = await site.connect();
    const { model, messages } = body;
    const counted = await connect(at).messages.countTokens({ model, messages });
    const ofBeta = await connect(at).beta.messages.countTokens({ model, messages });
    expect(counted).toMatchObject({ input_tokens: expect.any(Number) as unknown, estimated: true });
    expect(ofBeta.input_tokens).toBe(counted.input_tokens);
    expect(await site.entries(at.issued.team)).toEqual([]);
  });

  it('it reads the request id', async () => {
    const { site } = on();
    const at = await site.connect();
    const { _request_id: id } = await connect(at).messages.create(body);
    const [entry] = await site.settled(at.issued.team, 1);
    expect(id).toBe(entry?.request_id);
    const error = await failureOf(() => connect({ ...at, token: 'none' }).messages.create(body));
    expect(error).toMatchObject({ requestID: expect.stringMatching(/.{20}/) as unknown });
  });

  it.each([
    [401, 'AuthenticationError', 'authentication_error'],
    [404, 'NotFoundError', 'not_found_error'],
    [400, 'BadRequestError', 'invalid_request_error'],
  ])('a %i is its %s', async (status, name, type) => {
    const { site } = on();
    const at = await site.connect();
    const token = status === 401 ? 'none' : at.token;
    const wrong = status === 400 ? { ...body, max_tokens: -1 } : body;
    const url = status === 404 ? `${at.url}/v1` : at.url;
    const error = await failureOf(() => connect({ url, token }).messages.create(wrong));
    expect((error as Error).constructor.name).toBe(name);
    expect(error).toMatchObject({ status, error: { type: 'error', error: { type } } });
  });

  it('an error of the upstream in its own words', async () => {
    const { site } = on();
    const at = await site.connect();
    const said = '{"error":{"code":400,"message":"max_tokens: too large","type":"invalid_request_error"}}';
    site.upstream.script(respond(400, { 'content-type': 'application/json' }, said));
    const error = await failureOf(() => connect(at).messages.create(body));
    expect(anthropic.told(error)).toMatchObject({ status: 400 });
    expect(anthropic.told(error).message).toContain('max_tokens: too large');
  });

  it('its stream helper collects a message, a tool call too', async () => {
    const { site } = on();
    const at = await site.connect();
    const input_schema = { type: 'object' as const, properties: { city: { type: 'string' } } };
    const stream = connect(at).messages.stream({ ...body, tools: [{ name: 'get_weather', input_schema }] });
    const message = await stream.finalMessage();
    expect(message).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'get_weather', input: { city: 'example' } }],
    });
    expect(message.usage.output_tokens).toBeGreaterThan(0);
  });

  it('its tool runner relies on threads kept upstream: they go on as they are, and it is Heroku that knows them or not', async () => {
    const { site } = on();
    const at = await site.connect();
    const { name, description, run } = weatherTool;
    const tool = betaZodTool({ name, description, inputSchema: z.object({ city: z.string() }), run });
    const { content } = await connect(at).beta.messages.toolRunner({ ...body, tools: [tool] });
    expect(JSON.stringify(content)).toContain(weatherSaid);
    const { body: last, headers } = site.upstream.requests.at(-1) ?? {};
    expect(last).toMatchObject({
      thread: { type: 'continue', previous_message_id: expect.any(String) as unknown },
    });
    expect((last as { messages: unknown[] }).messages).toHaveLength(1); // the tool's result alone
    expect(headers?.['anthropic-beta']).toContain('threads');
  });
});
