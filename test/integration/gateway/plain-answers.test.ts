import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { respond } from '../../support/upstream-scripts.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, paths, post, type Reply } from '../../support/gateway-client.ts';
import { parseResponse, rawRequest, requestText } from '../../support/http.ts';

const json = { 'content-type': 'application/json' };
const closing: (() => Promise<void>)[] = [];
let upstream: StandIn;
let gateway: TestGateway;
let token: IssuedToken;

beforeEach(async () => {
  upstream = await another();
  gateway = await gatewayWith({});
  token = await gateway.issue();
});

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function another(): Promise<StandIn> {
  const standIn = await startStandIn({ listsModels: false });
  closing.push(() => standIn.close());
  return standIn;
}

async function gatewayWith(env: Record<string, string>): Promise<TestGateway> {
  const started = await startGateway({ upstream, env });
  closing.push(() => started.close());
  return started;
}

const chat = (more: object | string = {}, headers: Record<string, string> = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, typeof more === 'string' ? more : bodies.chat(more), {
    token: token.text,
    headers,
  });

describe('what the caller gets', () => {
  it.each([
    [
      'odd spacing and order',
      json,
      '{ "usage" : {"total_tokens":3,"prompt_tokens":1,"completion_tokens":2}\n}',
    ],
    ['a charset', { 'content-type': 'application/json; charset=utf-8' }, '{"ü":"日本語 😀"}'],
    ['a JSON type of its own', { 'content-type': 'application/vnd.heroku+json' }, '{}'],
  ])('is byte for byte what the upstream sent: %s', async (_, headers, body) => {
    upstream.script(respond(200, headers, body));
    const reply = await chat();
    expect(reply.status).toBe(200);
    expect(reply.text).toBe(body);
    expect(reply.headers.get('content-type')).toBe(headers['content-type']);
    expect(reply.headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
  });

  it('has the status the upstream gave, and so has the ledger', async () => {
    upstream.script(respond(201, json, '{"usage":{"prompt_tokens":1,"completion_tokens":2}}'));
    expect((await chat()).status).toBe(201);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ status: 201, outcome: 'ok', input_tokens: 1, output_tokens: 2 });
  });

  it('is whole where it came in many pieces, of a known length or not', async () => {
    const pieces = Array.from({ length: 50 }, (_, n) => `${n === 0 ? '{"x":"' : ''}${'é'.repeat(n)}`);
    const whole = `${pieces.join('')}"}`;
    for (const known of [true, false]) {
      upstream.script(async (_req, res) => {
        const length = known ? { 'content-length': String(Buffer.byteLength(whole)) } : {};
        res.writeHead(200, { ...json, ...length });
        for (const piece of pieces) {
          res.write(piece);
          await new Promise(setImmediate);
        }
        res.end('"}');
        return true;
      });
      const reply = await chat();
      expect(reply.text).toBe(whole);
    }
  });

  it('is byte for byte an image of 2 MB', async () => {
    const answer = Buffer.from(
      JSON.stringify({ created: 1, data: [{ b64_json: randomBytes(2_000_000).toString('base64') }] }),
    );
    upstream.script(respond(200, json, answer));
    const reply = await post(`${gateway.url}${paths.images}`, bodies.images(), { token: token.text });
    expect(reply.bytes.equals(answer)).toBe(true);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ images: 1, outcome: 'ok', input_tokens: 0, output_tokens: 0 });
  });

  it('carries no header of the upstream but the content type', async () => {
    upstream.script((_req, res) => {
      res.setHeader('server', 'upstream');
      res.setHeader('x-request-id', 'upstream-request-id-000000');
      res.setHeader('retry-after', '7');
      res.setHeader('openai-organization', 'shared');
      res.setHeader('x-should-retry', 'true');
      return false;
    });
    const bytes = await rawRequest(
      gateway.port,
      requestText({
        method: 'POST',
        path: paths.chat,
        headers: { authorization: `Bearer ${token.text}`, 'x-request-id': 'callers-own-request-id-1' },
        body: JSON.stringify(bodies.chat()),
      }),
    );
    const answer = parseResponse(bytes);
    expect(answer.status).toBe(200);
    const names = answer.headers.map(([name]) => name).sort();
    expect(names).toEqual([
      'connection',
      'content-length',
      'content-security-policy',
      'content-type',
      'date',
      'referrer-policy',
      'vary',
      'x-content-type-options',
      'x-request-id',
    ]);
    expect(answer.header('x-request-id')).toBe('callers-own-request-id-1');
  });
});

describe('what the upstream gets', () => {
  const always = [
    'accept',
    'accept-encoding',
    'authorization',
    'connection',
    'content-length',
    'content-type',
    'host',
    'x-request-id',
  ];
  const never = {
    cookie: 'session=caller',
    'user-agent': 'callers-agent/1.0',
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-host': 'elsewhere.example',
    forwarded: 'for=203.0.113.7',
    via: '1.1 caller',
    'x-stainless-lang': 'js',
    'openai-organization': 'org-caller',
    'content-type': 'text/plain',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'x-inference-url': 'http://elsewhere.example',
    'accept-language': 'de',
    range: 'bytes=0-1',
    'if-none-match': '"x"',
  };

  it.each([
    ['a plain call', false, 'application/json'],
    ['a stream', true, 'text/event-stream'],
  ])('is the real key and nothing else of the callers headers: %s', async (_, stream, accept) => {
    const reply = await chat({ stream }, { ...never, accept: 'application/json', 'x-api-key': token.text });
    expect(reply.status).toBe(200);
    const [request] = upstream.requests;
    const headers = request?.headers ?? {};
    expect(Object.keys(headers).sort()).toEqual(always);
    expect(headers).toMatchObject({
      authorization: `Bearer ${upstream.key}`,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      accept,
      host: new URL(upstream.url).host,
      'x-request-id': reply.headers.get('x-request-id'),
    });
    expect(JSON.stringify(request)).not.toContain(token.text);
  });

  it('has the headers that Heroku documents', async () => {
    const passed = {
      'x-heroku-prompt-caching': 'false',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'tools-2024-05-16,other',
    };
    await chat({}, { ...passed, 'x-request-id': 'callers-own-request-id-2' });
    const headers = upstream.requests[0]?.headers ?? {};
    expect(headers).toMatchObject({ ...passed, 'x-request-id': 'callers-own-request-id-2' });
    expect(Object.keys(headers).sort()).toEqual([...always, ...Object.keys(passed)].sort());
  });

  it('is the parsed value: of a key that stands there twice the last counts, here and there', async () => {
    const narrow = await gateway.issue({ models: [models.chat] });
    const text = `{"model":"not-allowed","messages":[{"role":"user","content":"a","content":"b"}],"model":"${models.chat}"}`;
    const reply = await post(`${gateway.url}${paths.chat}`, text, { token: narrow.text });
    expect(reply.status).toBe(200);
    expect(upstream.requests[0]?.text).toBe(
      `{"model":"${models.chat}","messages":[{"role":"user","content":"b"}]}`,
    );
    const other = `{"model":"${models.chat}","messages":[],"model":"not-allowed"}`;
    await post(`${gateway.url}${paths.chat}`, other, { token: narrow.text });
    expect(upstream.requests).toHaveLength(1);
  });

  it('has unknown fields with their values', async () => {
    const more = { allow_ignored_params: true, brand_new: { a: [1, null, 'x'], b: 0.1 }, n: null };
    expect((await chat(more)).status).toBe(200);
    expect(upstream.requests[0]?.body).toEqual(bodies.chat(more));
  });

  it('has raw for the float of the OpenAI SDKs', async () => {
    for (const [asked, sent] of [
      ['float', 'raw'],
      ['raw', 'raw'],
      ['base64', 'base64'],
    ]) {
      const reply = await post(
        `${gateway.url}${paths.embeddings}`,
        bodies.embeddings({ encoding_format: asked }),
        {
          token: token.text,
        },
      );
      expect(reply.status).toBe(200);
      expect(upstream.requests.at(-1)?.body).toMatchObject({ encoding_format: sent });
    }
  });

  it('comes to the documented path, however the URL is written', async () => {
    for (const suffix of ['', '/', '/v1', '/v1/', '//']) {
      const written = await gatewayWith({ INFERENCE_URL: `${upstream.url}${suffix}` });
      const its = await written.issue();
      await post(`${written.url}${paths.chat}?beta=true`, bodies.chat(), { token: its.text });
      expect(upstream.requests.at(-1)?.path).toBe(paths.chat);
    }
    const prefixed = await gatewayWith({ INFERENCE_URL: `${upstream.url}/base/v1/` });
    const its = await prefixed.issue();
    await post(`${prefixed.url}${paths.chat}`, bodies.chat(), { token: its.text });
    expect(upstream.requests.at(-1)?.path).toBe(`/base${paths.chat}`);
  });

  it('is a connection that the upstream has not closed meanwhile', async () => {
    expect((await chat()).status).toBe(200);
    upstream.script((_req, res) => {
      res.setHeader('connection', 'close');
      return false;
    });
    for (let call = 0; call < 20; call += 1) expect((await chat()).status).toBe(200);
  });
});

describe('attachments', () => {
  it('of one model share its load, whatever else is asked for in between', async () => {
    const second = await another();
    const shared = await gatewayWith({
      INFERENCE_MODEL_ID: models.chat,
      INFERENCE_TEAL_URL: second.url,
      INFERENCE_TEAL_KEY: second.key,
      INFERENCE_TEAL_MODEL_ID: models.chat,
      EMBEDDING_URL: upstream.url,
      EMBEDDING_KEY: upstream.key,
      EMBEDDING_MODEL_ID: models.embeddings,
    });
    const its = await shared.issue();
    for (let round = 0; round < 10; round += 1) {
      await post(`${shared.url}${paths.chat}`, bodies.chat(), { token: its.text });
      await post(`${shared.url}${paths.embeddings}`, bodies.embeddings(), { token: its.text });
    }
    const chats = (standIn: StandIn): number =>
      standIn.requests.filter(({ path }) => path === paths.chat).length;
    expect([chats(upstream), chats(second)]).toEqual([5, 5]);
  });

  it('of a model come before those of a standard plan, which serve any other', async () => {
    const own = await another();
    const mixed = await gatewayWith({
      INFERENCE_TEAL_URL: own.url,
      INFERENCE_TEAL_KEY: own.key,
      INFERENCE_TEAL_MODEL_ID: models.chat,
    });
    const its = await mixed.issue();
    for (const model of [models.chat, 'nova-pro', 'a-model-nobody-knows']) {
      const reply = await post(`${mixed.url}${paths.chat}`, bodies.chat({ model }), { token: its.text });
      expect(reply.status).toBe(200);
    }
    expect(own.requests.map(({ body }) => (body as { model: string }).model)).toEqual([models.chat]);
    expect(upstream.requests.map(({ body }) => (body as { model: string }).model)).toEqual([
      'nova-pro',
      'a-model-nobody-knows',
    ]);
  });
});
