import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { startCollector, type CollectedSpan, type TestCollector } from '../../support/collector.ts';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, open, paths, post, readStream } from '../../support/gateway-client.ts';
import { spanProblems } from '../../support/span-rules.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import { resetAfter, respond } from '../../support/upstream-scripts.ts';

/* What a collector gets of requests: each span is checked with the conventions, too. */

const json = { 'content-type': 'application/json' };
const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const [internal, server, client] = [1, 2, 3];

let collector: TestCollector;
let first: StandIn;
let second: StandIn;
let gateway: TestGateway;
let token: IssuedToken;
/** A gateway that traces nothing but what fails. */
let reluctant: TestGateway;
let ofReluctant: IssuedToken;

beforeAll(async () => {
  collector = await startCollector();
  [first, second] = await Promise.all([startStandIn(), startStandIn({ key: 'inf-second' })]);
  const telemetry = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_BSP_SCHEDULE_DELAY: '20',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  };
  gateway = await startGateway({
    upstream: first,
    env: {
      ...telemetry,
      ALLOWED_ORIGINS: 'https://app.example',
      INFERENCE_MODEL_ID: models.chat,
      SECOND_URL: second.url,
      SECOND_KEY: second.key,
      SECOND_MODEL_ID: models.chat,
    },
  });
  token = await gateway.issue();
  reluctant = await startGateway({
    upstream: second,
    env: {
      ...telemetry,
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    },
  });
  ofReluctant = await reluctant.issue({ endpoints: Object.values(paths) });
});
afterEach(() => {
  first.script(null);
  second.script(null);
});
afterAll(async () => {
  await gateway.close();
  await reluctant.close();
  await Promise.all([first.close(), second.close(), collector.close()]);
});

/** The spans of the request with this id, the server's first; checked. */
async function spansOf(requestId: string): Promise<[CollectedSpan, ...CollectedSpan[]]> {
  const root = (): CollectedSpan | undefined =>
    collector.spans.find(({ attributes }) => attributes['tollgate.request_id'] === requestId);
  await collector.waitFor(() => root() !== undefined);
  const found = root();
  if (!found) throw new Error('It has just been there.');
  const children = collector.spans.filter(({ parentSpanId }) => parentSpanId === found.spanId);
  expect(spanProblems([found, ...children])).toEqual([]);
  return [found, ...children];
}

const idOf = ({ headers }: { headers: Headers }): string => headers.get('x-request-id') ?? '';
const brief = (spans: readonly CollectedSpan[]): string[] => spans.map(({ kind, name }) => `${kind} ${name}`);

it('a chat is one span of the server, with what it asked, what it used and who sent it, and a child for each step', async () => {
  const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
  const spans = await spansOf(idOf(reply));
  const [{ attributes, parentSpanId, status, resource, links }, , attempt] = spans;
  const [{ input_tokens: input, output_tokens: output } = {}] = await gateway.settled(token.team, 1);
  expect(brief(spans)).toEqual([
    `${server} chat ${models.chat}`,
    `${internal} admit`,
    `${client} POST /v1/chat/completions`,
    `${internal} settle`,
  ]);
  expect({ parentSpanId, status, links }).toEqual({ parentSpanId: '', status: 0, links: [] });
  expect(attributes).toEqual({
    'http.request.method': 'POST',
    'http.route': '/v1/chat/completions',
    'http.response.status_code': 200,
    'url.path': '/v1/chat/completions',
    'url.scheme': 'http',
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'heroku',
    'gen_ai.request.model': models.chat,
    'gen_ai.request.stream': false,
    'gen_ai.response.model': models.chat,
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': output,
    'tollgate.usage': 'reported',
    'tollgate.team': token.team,
    'tollgate.user': token.user,
    'tollgate.token_id': token.id,
    'tollgate.request_id': idOf(reply),
    'tollgate.outcome': 'ok',
  });
  expect(attempt?.attributes).toMatchObject({
    'http.response.status_code': 200,
    'url.full': expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions$/),
    'server.address': '127.0.0.1',
    'tollgate.attachment': expect.stringMatching(/^(?:INFERENCE|SECOND)$/),
  });
  expect(resource).toMatchObject({ 'service.name': 'tollgate', 'deployment.environment.name': 'test' });
});

it.each([
  ['embeddings', 'embeddings'],
  ['images', 'generate_content'],
  ['rerank', 'rerank'],
  ['messages', 'chat'],
  ['responses', 'chat'],
  ['agents', 'chat'],
] as const)('%s have the operation %s', async (kind, operation) => {
  const reply = await post(`${reluctant.url}${paths[kind]}`, bodies[kind](), {
    token: ofReluctant.text,
    headers: { traceparent: `00-${traceId}-${spanId}-01` },
  });
  const [{ attributes }] = await spansOf(idOf(reply));
  expect(reply.status).toBe(200);
  expect(attributes).toMatchObject({ 'gen_ai.operation.name': operation, 'http.route': paths[kind] });
});

it('routes that are not forwarded have a span by their pattern', async () => {
  const reply = await get(`${gateway.url}/v1/models/${models.chat}?q=secret`, { token: token.text });
  const [span, ...children] = await spansOf(idOf(reply));
  expect(span.name).toBe('GET /v1/models/:id');
  expect(span.attributes).toMatchObject({ 'tollgate.team': token.team, 'url.path': '/v1/models/:id' });
  expect(children).toEqual([]);
});

it('a stream ends its span when it ends, and tells when its first chunk came', async () => {
  const frame = messageFrame({ choices: [{ delta: { content: 'Hi' } }] });
  let finish = (): void => undefined;
  const script: Script = (_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(frame);
    finish = () => void res.end(doneFrame);
    return true;
  };
  first.script(script);
  second.script(script);
  const answer = await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
    token: token.text,
  });
  const reading = readStream(answer);
  await reading.until('Hi');
  const before = collector.spans.length;
  // Another request's spans arrive, so that this one's would have, too.
  await spansOf(idOf(await get(`${gateway.url}/v1/me`, { token: token.text })));
  expect(collector.spans.slice(before).map(({ name }) => name)).toEqual(['GET /v1/me']);
  const openMs = BigInt(Date.now());
  finish();
  await reading.rest();
  const [span] = await spansOf(idOf(answer));
  expect(span.end / 1_000_000n).toBeGreaterThanOrEqual(openMs - 1n);
  expect(span.attributes).toMatchObject({ 'gen_ai.request.stream': true, 'tollgate.outcome': 'ok' });
  const firstChunkS = Number(span.attributes['gen_ai.response.time_to_first_chunk']);
  expect(firstChunkS).toBeGreaterThan(0);
  expect(firstChunkS).toBeLessThan(Number(span.end - span.start) / 1e9);
});

it('each attempt is a span, with why it was given up', async () => {
  const fails = respond(503, json, '{}');
  const once: Script = (req, res, body) => {
    for (const standIn of [first, second]) standIn.script(null);
    return fails(req, res, body);
  };
  for (const standIn of [first, second]) standIn.script(once);
  const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
  const [{ attributes, status }, , failed, answered] = await spansOf(idOf(reply));
  expect(reply.status).toBe(200);
  expect({ status, outcome: attributes['tollgate.outcome'] }).toEqual({ status: 0, outcome: 'ok' });
  expect(failed).toMatchObject({
    status: 2,
    attributes: { 'http.response.status_code': 503, 'tollgate.given_up': 'failing', 'error.type': 'failing' },
  });
  expect(answered).toMatchObject({
    status: 0,
    attributes: { 'http.response.status_code': 200, 'http.request.resend_count': 1 },
  });
  expect(answered?.attributes['tollgate.attachment']).not.toBe(failed?.attributes['tollgate.attachment']);
});

describe('refused requests', () => {
  it('have a span without children, if they were refused before the limits', async () => {
    const sent = { token: 'tgk_nobody' };
    const unknown = await spansOf(idOf(await post(`${gateway.url}${paths.chat}`, bodies.chat(), sent)));
    expect(unknown).toHaveLength(1);
    expect(unknown[0]).toMatchObject({
      name: 'chat',
      status: 0,
      attributes: {
        'http.response.status_code': 401,
        'error.type': 'invalid_token',
        'tollgate.outcome': 'refused',
      },
    });
    const elsewhere = await gateway.issue({ endpoints: [paths.embeddings] });
    const denied = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: elsewhere.text });
    const [{ attributes }] = await spansOf(idOf(denied));
    expect(attributes).toMatchObject({
      'http.response.status_code': 403,
      'error.type': 'endpoint_not_allowed',
      'tollgate.token_id': elsewhere.id,
    });
  });

  it('say which limit it was', async () => {
    const limited = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
    const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: limited.text });
    const spans = await spansOf(idOf(reply));
    expect(brief(spans)).toEqual([`${server} chat ${models.chat}`, `${internal} admit`]);
    expect(spans[0].attributes).toMatchObject({
      'http.response.status_code': 429,
      'error.type': 'insufficient_quota',
      'tollgate.limit': 'token requests/day',
    });
  });

  it('do not name a model that only the caller knows', async () => {
    const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat({ model: 'made-up-name' }), {
      token: token.text,
    });
    const [span] = await spansOf(idOf(reply));
    expect(span.name).toBe('chat');
    expect(JSON.stringify(span.attributes)).not.toContain('made-up-name');
  });
});

describe('a trace that has begun elsewhere', () => {
  const chat = async (on: TestGateway, of: IssuedToken, headers: Record<string, string>) =>
    post(`${on.url}${paths.chat}`, bodies.chat(), { token: of.text, headers });

  it('is joined, with its state, and nothing of it goes upstream', async () => {
    const reply = await chat(gateway, token, {
      traceparent: `00-${traceId}-${spanId}-01`,
      tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
    });
    const [span, ...children] = await spansOf(idOf(reply));
    expect(span).toMatchObject({ traceId, parentSpanId: spanId, links: [] });
    expect(span.traceState).toBe('congo=t61rcWkgMzE,rojo=00f067aa0ba902b7');
    expect(children.every((child) => child.traceId === traceId)).toBe(true);
    const sent = [...first.requests, ...second.requests].flatMap(({ headers }) => Object.keys(headers));
    expect(sent.filter((name) => name.startsWith('trace'))).toEqual([]);
  });

  it('decides whether it is sampled', async () => {
    const sampled = await chat(reluctant, ofReluctant, { traceparent: `00-${traceId}-${spanId}-01` });
    const unsampled = await chat(gateway, token, { traceparent: `00-${traceId}-${spanId}-00` });
    const last = await chat(gateway, token, {});
    await spansOf(idOf(sampled));
    await spansOf(idOf(last)); // spans come in the order in which requests end
    expect(collector.spans.map(({ attributes }) => attributes['tollgate.request_id'])).not.toContain(
      idOf(unsampled),
    );
  });

  it('decides nothing if its caller is not known: anybody can be refused', async () => {
    const headers = { traceparent: `00-${traceId}-${spanId}-01` };
    const stranger = { ...ofReluctant, text: `${ofReluctant.text.slice(0, -1)}-` };
    const refused = await chat(reluctant, stranger, headers);
    expect(refused.status).toBe(401);
    await spansOf(idOf(await chat(reluctant, ofReluctant, headers)));
    expect(collector.spans.map(({ attributes }) => attributes['tollgate.request_id'])).not.toContain(
      idOf(refused),
    );
  });

  it('is only pointed at if a browser tells of it, and decides nothing', async () => {
    const headers = {
      origin: 'https://app.example',
      traceparent: `00-${traceId}-${spanId}-00`,
      tracestate: 'a=1',
    };
    const reply = await chat(gateway, token, headers);
    const [span] = await spansOf(idOf(reply));
    expect(span).toMatchObject({ parentSpanId: '', links: [{ traceId, spanId, traceState: 'a=1' }] });
    expect(span.traceId).not.toBe(traceId);
  });

  it.each([
    '',
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
    `ff-${traceId}-${spanId}-01`,
    'x',
  ])('is ignored if it is not told as the standard has it: %j', async (traceparent) => {
    const [span] = await spansOf(idOf(await chat(gateway, token, { traceparent })));
    expect(span).toMatchObject({ parentSpanId: '', links: [] });
  });

  it('a browser may send it: the preflight allows what it asks for', async () => {
    const reply = await fetch(`${gateway.url}${paths.chat}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,traceparent,tracestate',
      },
    });
    const allowed = reply.headers.get('access-control-allow-headers') ?? '';
    expect(allowed.split(',')).toEqual(expect.arrayContaining(['traceparent', 'tracestate']));
  });
});

describe('what is not sampled', () => {
  it('is sent if it failed here, and its line in the log names the trace', async () => {
    second.script(respond(500, json, '{"error":{"message":"no"}}'));
    const reply = await post(`${reluctant.url}${paths.chat}`, bodies.chat(), { token: ofReluctant.text });
    const [span, ...children] = await spansOf(idOf(reply));
    expect(reply.status).toBe(502);
    expect(span).toMatchObject({ status: 2, attributes: { 'error.type': 'upstream_error' } });
    expect(brief(children)).toEqual([
      `${internal} admit`,
      `${client} POST /v1/chat/completions`,
      `${internal} settle`,
    ]);
    expect(lineOf(reluctant, idOf(reply))).toMatchObject({ trace_id: span.traceId });
  });

  it('is sent if its stream broke off', async () => {
    second.script(resetAfter(messageFrame({ choices: [{ delta: { content: 'Hi' } }] })));
    const answer = await open(`${reluctant.url}${paths.chat}`, bodies.chat({ stream: true }), {
      token: ofReluctant.text,
    });
    await readStream(answer).rest();
    const [span] = await spansOf(idOf(answer));
    expect(span).toMatchObject({
      status: 2,
      attributes: { 'http.response.status_code': 200, 'tollgate.outcome': 'error' },
    });
  });

  it('is not sent if it went well, or was refused', async () => {
    const well = await post(`${reluctant.url}${paths.chat}`, bodies.chat(), { token: ofReluctant.text });
    const refused = await post(`${reluctant.url}${paths.chat}`, '{', { token: ofReluctant.text });
    second.script(respond(400, json, '{"error":{"message":"no"}}'));
    const rejected = await post(`${reluctant.url}${paths.chat}`, bodies.chat(), { token: ofReluctant.text });
    second.script(respond(500, json, '{}'));
    const failed = await post(`${reluctant.url}${paths.chat}`, bodies.chat(), { token: ofReluctant.text });
    await spansOf(idOf(failed));
    const sent = collector.spans.map(({ attributes }) => attributes['tollgate.request_id']);
    expect(sent).not.toEqual(expect.arrayContaining([idOf(well)]));
    for (const reply of [well, refused, rejected]) {
      expect(sent).not.toContain(idOf(reply));
      expect(lineOf(reluctant, idOf(reply))).not.toHaveProperty('trace_id');
    }
  });
});

function lineOf(of: TestGateway, requestId: string): unknown {
  const line = of
    .log()
    .split('\n')
    .find((each) => each.includes(`"request_id":"${requestId}"`));
  return JSON.parse(line ?? '{}');
}

it('all that was sent obeys the conventions', () => {
  expect(collector.spans.length).toBeGreaterThan(50);
  expect(spanProblems(collector.spans)).toEqual([]);
});
