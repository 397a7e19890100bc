import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Script } from '../../support/stand-in.ts';
import { resetAfter, resetBeforeAnswer, respond } from '../../support/upstream-scripts.ts';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, paths, post, type Reply } from '../../support/gateway-client.ts';

/* More than 96 inputs go to the upstream as several requests; to the caller, its limits and the ledger they are one. */

const json = { 'content-type': 'application/json' };
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ env: { UPSTREAM_TIMEOUT_MS: '2000', BODY_BUDGET_BYTES: '80000000' } });
});
afterAll(() => gateway.close());
afterEach(() => {
  gateway.upstream.script(null);
  gateway.upstream.requests.length = 0;
});

const texts = (count: number): string[] => Array.from({ length: count }, (_, n) => `text number ${n}`);
const embed = (token: IssuedToken, more: object, signal?: AbortSignal): Promise<Reply> =>
  post(`${gateway.url}${paths.embeddings}`, bodies.embeddings(more), {
    token: token.text,
    ...(signal ? { signal } : {}),
  });
const inputsSent = (): string[][] =>
  gateway.upstream.requests.map(({ body }) => (body as { input: string[] }).input);

interface Embeddings {
  data: { object: string; index: number; embedding: unknown }[];
  usage: { prompt_tokens: number; total_tokens: number };
}

/** Answers the n-th request, from 0, in this way; the others as usual. */
function nth(n: number, script: Script): Script {
  let requests = 0;
  return (req, res, body) => (requests++ === n ? script(req, res, body) : false);
}

describe('250 inputs', () => {
  it.each([
    ['numbers', {}],
    ['base64', { encoding_format: 'base64', input_type: 'search_document' }],
  ])('get one answer in their order: %s', async (_, more) => {
    const token = await gateway.issue({ limits: [{ metric: 'requests', window: 'hour', max: 5 }] });
    const input = texts(250);
    const reply = await embed(token, { input, ...more });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(reply.headers.get('content-length')).toBe(String(reply.bytes.length));
    expect(reply.headers.get('x-ratelimit-remaining-requests')).toBe('4');
    const answer = reply.json as unknown as Embeddings;
    expect(answer.data.map(({ index }) => index)).toEqual(input.map((__, n) => n));
    expect(inputsSent().map(({ length }) => length)).toEqual([96, 96, 58]);
    expect(inputsSent().flat()).toEqual(input);
    for (const { body } of gateway.upstream.requests) {
      expect(body).toMatchObject({ model: models.embeddings, ...more });
    }
    // Each text has the embedding that it has alone.
    for (const n of [0, 95, 96, 249]) {
      const alone = (await embed(await gateway.issue(), { input: input[n], ...more })).json;
      expect(answer.data[n]?.embedding).toEqual((alone as unknown as Embeddings).data[0]?.embedding);
    }
    const [entry] = await gateway.settled(token.team, 1);
    const { prompt_tokens: promptTokens } = answer.usage;
    expect(promptTokens).toBeGreaterThan(0);
    expect(entry).toMatchObject({ outcome: 'ok', usage: 'reported', input_tokens: promptTokens });
    expect(await gateway.entries(token.team)).toHaveLength(1);
    expect((await gateway.usage(token.team)).requests).toBe(1);
  });
});

it('96 inputs, or one, go as they came', async () => {
  const token = await gateway.issue();
  for (const input of [texts(96), 'x', ['x']]) expect((await embed(token, { input })).status).toBe(200);
  expect(gateway.upstream.requests).toHaveLength(3);
});

it('2,048 inputs are the most, and go one part after the other', async () => {
  let open = 0;
  let most = 0;
  gateway.upstream.script((_, res) => {
    most = Math.max(most, ++open);
    res.once('finish', () => (open -= 1));
    return false;
  });
  const token = await gateway.issue();
  const reply = await embed(token, { input: texts(2_048) });
  expect((reply.json as unknown as Embeddings).data).toHaveLength(2_048);
  expect(most).toBe(1);
  expect((await embed(token, { input: texts(2_049) })).status).toBe(400);
});

describe('a part that fails', () => {
  const used = 10;
  const tokens = { prompt_tokens: used, total_tokens: used };
  const limit = { status: 429, body: '{"error":{"code":429,"message":"slow down"}}' };
  const answered: Script = (_req, res, body) => {
    const { input } = body as { input: string[] };
    const data = input.map((__, index) => ({ object: 'embedding', index, embedding: [0] }));
    res.writeHead(200, json).end(JSON.stringify({ object: 'list', data, usage: tokens }));
    return true;
  };
  /** Two parts are answered, the third in this way. */
  const third = (script: Script): Script => {
    let requests = 0;
    return (req, res, body) => (++requests < 3 ? answered : script)(req, res, body);
  };

  it.each<[string, number, string, Script]>([
    ['rate limited', 429, 'upstream_rate_limited', respond(limit.status, json, limit.body)],
    ['not allowed', 502, 'upstream_auth_failed', respond(401, json, '{"error":{"message":"no"}}')],
    ['refused', 400, 'upstream_error', respond(400, json, '{"error":{"message":"too long"}}')],
    ['reset', 502, 'upstream_unreachable', resetBeforeAnswer()],
  ])('fails all, and what the others used is charged: %s', async (_, status, code, script) => {
    gateway.upstream.script(third(script));
    const token = await gateway.issue();
    const reply = await embed(token, { input: texts(400) });
    expect([reply.status, errorOf(reply).code]).toEqual([status, code]);
    // A kept connection that is reset is replaced once.
    expect(gateway.upstream.requests).toHaveLength(code === 'upstream_unreachable' ? 4 : 3);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ outcome: 'error', status, error_code: code, input_tokens: 2 * used });
    expect(await gateway.usage(token.team)).toMatchObject({ requests: 1, input_tokens: 2 * used });
  });

  it.each<[string, Script]>([
    ['a failure', respond(500, json, '{"error":"Failed"}')],
    ['a page', respond(200, { 'content-type': 'text/html' }, '<html>')],
    ['no JSON', respond(200, json, '{"data":[')],
    ['another shape', respond(200, json, '{"embeddings":[]}')],
    ['too few', respond(200, json, '{"data":[{"index":0,"embedding":[0]}]}')],
    ['broken off', resetAfter('{"data":[', json)],
  ])('is charged as one request that failed, if what came is %s', async (_, script) => {
    gateway.upstream.script(third(script));
    const token = await gateway.issue();
    const reply = await embed(token, { input: texts(400) });
    expect([reply.status, errorOf(reply).code]).toEqual([502, 'upstream_error']);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ outcome: 'error', usage: 'estimated', output_tokens: 0 });
    expect(entry?.input_tokens).toBeGreaterThan(1_000);
  });

  it('refunds all where it is the first', async () => {
    gateway.upstream.script(nth(0, respond(limit.status, json, limit.body)));
    const token = await gateway.issue({ limits: [{ metric: 'requests', window: 'hour', max: 1 }] });
    expect((await embed(token, { input: texts(200) })).status).toBe(429);
    expect(gateway.upstream.requests).toHaveLength(1);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ outcome: 'error', input_tokens: 0 });
    expect((await embed(token, { input: texts(200) })).status).toBe(200);
  });

  it('that never comes ends all in time', async () => {
    gateway.upstream.script(third(() => true));
    const token = await gateway.issue();
    const reply = await embed(token, { input: texts(400) });
    expect([reply.status, errorOf(reply).code]).toEqual([504, 'upstream_timeout']);
    await gateway.upstream.waitFor(({ open }) => open === 0);
  });
});

it('a caller that leaves ends the part under way, and no other is sent', async () => {
  gateway.upstream.script(nth(1, () => true));
  const token = await gateway.issue();
  const leaving = new AbortController();
  const left = embed(token, { input: texts(300) }, leaving.signal).catch(() => 'left');
  await gateway.upstream.waitFor(({ requests }) => requests.length === 2);
  leaving.abort();
  expect(await left).toBe('left');
  await gateway.upstream.waitFor(({ open }) => open === 0);
  const [entry] = await gateway.settled(token.team, 1);
  expect(entry).toMatchObject({ outcome: 'aborted', usage: 'estimated', status: 499 });
  expect(gateway.upstream.requests).toHaveLength(2);
});

it('usage that a part does not report leaves the whole to be estimated', async () => {
  gateway.upstream.script(
    nth(1, (_req, res, body) => {
      const { input } = body as { input: string[] };
      const data = input.map(() => ({ object: 'embedding', embedding: [1e-7] }));
      res.writeHead(200, json).end(JSON.stringify({ data }));
      return true;
    }),
  );
  const token = await gateway.issue();
  const reply = await embed(token, { input: texts(200) });
  expect(reply.json).not.toHaveProperty('usage');
  const { data } = reply.json as unknown as Embeddings;
  expect(data.map(({ index }) => index)).toEqual(texts(200).map((__, n) => n));
  const [entry] = await gateway.settled(token.team, 1);
  expect(entry).toMatchObject({ outcome: 'ok', usage: 'estimated' });
});

it('an answer beyond the share of its token is refused after the first part, which is paid for', async () => {
  gateway.upstream.script((_req, res, body) => {
    const { input } = body as { input: string[] };
    const data = input.map((__, index) => ({ index, embedding: 'A'.repeat(20_000) }));
    res.writeHead(200, json).end(JSON.stringify({ data, usage: { prompt_tokens: 96, total_tokens: 96 } }));
    return true;
  });
  const token = await gateway.issue();
  const reply = await embed(token, { input: texts(2_048) }); // 41 MB; the share is 30 MB
  expect([reply.status, errorOf(reply).code]).toEqual([503, 'overloaded']);
  expect(errorOf(reply).message).toContain('This token');
  expect(reply.headers.get('retry-after')).toBe('1');
  expect(gateway.upstream.requests).toHaveLength(1);
  const [entry] = await gateway.settled(token.team, 1);
  expect(entry).toMatchObject({ outcome: 'error', error_code: 'overloaded', input_tokens: 96 });
  expect((await embed(token, { input: texts(150) })).status).toBe(200);
});
