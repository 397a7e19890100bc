import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  hang,
  resetAfter,
  resetBeforeAnswer,
  respond,
  streamFrames,
} from '../../support/upstream-scripts.ts';
import { messageFrame } from '../../../src/demo/frames.ts';
import {
  models,
  perModelEnv,
  startGateway,
  type IssuedToken,
  type TestGateway,
} from '../../support/gateway.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';

/* The official package as people use it: the base URL with /v1, the token as its key, its own retries. */

const json = { 'content-type': 'application/json' };

let upstream: StandIn;
let gateway: TestGateway;
let token: IssuedToken;

beforeAll(async () => {
  upstream = await startStandIn();
  gateway = await startGateway({
    upstream,
    env: { ...perModelEnv(upstream), UPSTREAM_TIMEOUT_MS: '1000', MAX_BODY_BYTES: '50000' },
  });
  token = await gateway.issue();
});
afterEach(() => upstream.script(null));
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const client = (apiKey: string = token.text, maxRetries = 0): OpenAI =>
  new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries });

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Hello there' }];
const ask = (openai: OpenAI, more: object = {}): Promise<OpenAI.ChatCompletion> =>
  openai.chat.completions.create({ model: models.chat, messages, ...more });

async function caught(promise: Promise<unknown>): Promise<APIError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof APIError)) throw new Error(`No APIError, but ${String(error)}`);
  return error;
}

describe('the openai package', () => {
  it('gets a plain completion, and its request id', async () => {
    const {
      data,
      response,
      request_id: id,
    } = await client().chat.completions.create({ model: models.chat, messages }).withResponse();
    expect(data.choices[0]?.message.content).toContain('Hello there');
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect(id).toBe(response.headers.get('x-request-id'));
    expect(id).toBe(upstream.requests.at(-1)?.headers['x-request-id']);
  });

  it('gets a streamed completion', async () => {
    const stream = await client().chat.completions.create({ model: models.chat, messages, stream: true });
    let text = '';
    let finish: string | null = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason || finish;
    }
    expect(text).toContain('Hello there');
    expect(finish).toBe('stop');
  });

  it('asks again with its Idempotency-Key while the first call is running, and reads the same stream', async () => {
    const answer = Promise.withResolvers<void>();
    upstream.script(async () => {
      await answer.promise;
      return false;
    });
    const before = upstream.requests.length;
    const body = { model: models.chat, messages, stream: true } as const;
    const textOf = async (): Promise<string> => {
      const options = { headers: { 'Idempotency-Key': 'stainless-node-retry-1' } };
      let text = '';
      for await (const chunk of await client(token.text, 5).chat.completions.create(body, options)) {
        text += JSON.stringify(chunk);
      }
      return text;
    };
    const first = textOf();
    await upstream.waitFor(({ requests }) => requests.length === before + 1);
    const second = textOf();
    await waitFor(() => gateway.log().includes('in_progress'), { what: 'the second call to be told' });
    answer.resolve();
    expect(await second).toBe(await first);
    expect(await first).toContain('chat.completion.chunk');
    expect(upstream.requests).toHaveLength(before + 1);
  });

  it('uses tools over two rounds', async () => {
    const tools: OpenAI.ChatCompletionTool[] = [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          strict: true,
          parameters: {
            $schema: 'http://json-schema.org/draft-07/schema#',
            type: 'object',
            properties: { city: { type: 'string' } },
            required: ['city'],
          },
        },
      },
    ];
    const first = await ask(client(), { tools, tool_choice: 'auto' });
    const said = first.choices[0]?.message;
    const call = said?.tool_calls?.[0];
    if (!said || call?.type !== 'function') throw new Error('No tool was called.');
    expect(call.function.name).toBe('get_weather');
    const second = await ask(client(), {
      tools,
      messages: [...messages, said, { role: 'tool', tool_call_id: call.id, content: '{"degrees":21}' }],
    });
    expect(second.choices[0]?.message.content).toContain('21');
  });

  it('collects a streamed tool call with its helper', async () => {
    const runner = client().chat.completions.stream({
      model: models.chat,
      messages,
      tools: [
        { type: 'function', function: { name: 'lookup', parameters: { type: 'object', properties: {} } } },
      ],
    });
    const message = await runner.finalMessage();
    expect(message.tool_calls?.[0]).toMatchObject({ function: { name: 'lookup', arguments: '{}' } });
  });

  it('gets embeddings, as floats where it asked for base64 unasked', async () => {
    const { data } = await client().embeddings.create({ model: models.embeddings, input: ['one', 'two'] });
    expect(data).toHaveLength(2);
    expect(data[0]?.embedding.every((each) => typeof each === 'number')).toBe(true);
    const floats = await client().embeddings.create({
      model: models.embeddings,
      input: 'one',
      encoding_format: 'float',
    });
    expect(floats.data[0]?.embedding.map((each) => each.toFixed(4))).toEqual(
      data[0]?.embedding.map((each) => each.toFixed(4)),
    );
  });

  it('gets an image', async () => {
    const { data } = await client().images.generate({ model: models.images, prompt: 'A lighthouse', n: 1 });
    expect(
      Buffer.from(data?.[0]?.b64_json ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  it('lists the models the token may use', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list()) ids.push(model.id);
    expect(ids.sort()).toEqual([...new Set(Object.values(models))].sort());
  });
});

describe('its error classes come out right', () => {
  it('BadRequestError, with the field', async () => {
    const error = await caught(ask(client(), { temperature: 7 }));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({
      code: 'invalid_body',
      param: 'temperature',
      type: 'invalid_request_error',
    });
    expect(error.requestID).toMatch(/.{20}/);
    expect(error.message).toContain('temperature');
  });

  it('AuthenticationError', async () => {
    const error = await caught(ask(client('sk-nothing')));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ code: 'invalid_token', type: 'authentication_error' });
  });

  it('PermissionDeniedError', async () => {
    const narrow = await gateway.issue({ models: ['another-model'] });
    const error = await caught(ask(client(narrow.text)));
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ code: 'model_not_allowed', param: 'model', type: 'permission_error' });
  });

  it('NotFoundError, for a model and for a path', async () => {
    const error = await caught(ask(client(), { model: 'served-nowhere' }));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error.code).toBe('model_not_found');
    const doubled = new OpenAI({ apiKey: token.text, baseURL: `${gateway.url}/v1/v1`, maxRetries: 0 });
    expect((await caught(ask(doubled))).message).toMatch(/one \/v1 too many/);
  });

  it('a 413 it can read', async () => {
    const error = await caught(ask(client(), { messages: [{ role: 'user', content: 'x'.repeat(60_000) }] }));
    expect(error).toMatchObject({ status: 413, code: 'body_too_large' });
  });

  it('RateLimitError of a quota, which it does not try again', async () => {
    const limited = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
    const before = countRefusals();
    const error = await caught(ask(client(limited.text, 2)));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ code: 'insufficient_quota', type: 'rate_limit_error' });
    expect(countRefusals() - before).toBe(1);
  });

  it('RateLimitError of the upstream', async () => {
    upstream.script(respond(429, json, '{"error":{"code":429,"message":"slow down"}}'));
    const error = await caught(ask(client()));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error.code).toBe('upstream_rate_limited');
  });

  it.each([
    ['upstream_error', respond(500, json, '{"error":"Failed to execute chat"}')],
    ['upstream_unreachable', resetBeforeAnswer()],
    ['upstream_timeout', hang()],
    ['upstream_auth_failed', respond(401, json, '{"error":{"code":401,"message":"bad key"}}')],
  ])('InternalServerError: %s', async (code, script) => {
    upstream.script(script);
    const error = await caught(ask(client()));
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).toMatchObject({ code, type: 'upstream_error' });
  });

  it('a refused key of ours is not tried again, a failure is', async () => {
    upstream.script(respond(401, json, '{}'));
    const before = upstream.requests.length;
    await caught(ask(client(token.text, 1)));
    expect(upstream.requests.length - before).toBe(1);
    upstream.script(respond(500, json, '{}'));
    await caught(ask(client(token.text, 1)));
    expect(upstream.requests.length - before).toBe(3);
  });

  it('BadRequestError of the upstream, with its message', async () => {
    upstream.script(respond(400, json, '{"error":{"code":400,"message":"max_tokens: too large"}}'));
    const error = await caught(ask(client()));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error.message).toContain('max_tokens: too large');
  });
});

describe('a stream that does not end well', () => {
  const frame = messageFrame({ choices: [{ index: 0, delta: { content: 'Hel' }, finish_reason: '' }] });
  const drain = async (): Promise<void> => {
    const stream = await client().chat.completions.create({ model: models.chat, messages, stream: true });
    for await (const _ of stream);
  };

  it('throws what happened, where it broke off between events', async () => {
    upstream.script(resetAfter(frame));
    const error = await caught(drain());
    expect(error).toMatchObject({ code: 'upstream_error' });
  });

  it('throws where it broke off inside an event', async () => {
    upstream.script(resetAfter(frame + frame.slice(0, -10)));
    await expect(drain()).rejects.toThrow();
  });

  it('throws where the upstream ended it too early', async () => {
    upstream.script(streamFrames([frame]));
    await expect(drain()).rejects.toThrow();
  });

  it('that the caller aborts reaches the upstream at once', async () => {
    upstream.script(streamFrames([frame], { end: false }));
    const { aborted } = upstream;
    const stream = await client().chat.completions.create({ model: models.chat, messages, stream: true });
    for await (const _ of stream) stream.controller.abort();
    await upstream.waitFor((standIn) => standIn.aborted > aborted);
  });
});

/** Refusals in the log so far: one a try. */
function countRefusals(): number {
  return gateway.log().match(/"error_code":"insufficient_quota"/g)?.length ?? 0;
}
