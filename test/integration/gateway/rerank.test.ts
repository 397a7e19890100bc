import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hang, respond } from '../../support/upstream-scripts.ts';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, open, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';

/* `POST /v1/rerank`: counted and paid for in search units. */

const json = { 'content-type': 'application/json' };
const usdPerSearch = 0.002;

let redis: SharedRedis;
let gateway: TestGateway;

beforeAll(async () => {
  const priced = { kind: 'rerank', price: { usd_per_search: usdPerSearch } };
  const catalogue = { [models.rerank]: priced, unpriced: { kind: 'rerank' } };
  redis = await sharedRedis();
  gateway = await startGateway({ redis, models: catalogue });
});
afterEach(() => gateway.upstream.script(null));
afterAll(() => gateway.close());

const send = (token: IssuedToken, more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.rerank}`, bodies.rerank(more), { token: token.text });
const documents = (count: number): string[] => Array.from({ length: count }, (_, n) => `document ${n}`);
const answer = (meta: object): string =>
  JSON.stringify({ results: [{ index: 0, relevance_score: 1, document: { text: 'x'.repeat(400) } }], meta });

/** The body that the upstream got last. */
const sentLast = (): string => gateway.upstream.requests.at(-1)?.text ?? '';

/** What one request left, in the entry and the totals alike. */
async function charged(token: IssuedToken): Promise<object> {
  const [entry] = await gateway.settled(token.team, 1);
  const { search_units, cost_usd, input_tokens, output_tokens } = await gateway.usage(token.team);
  expect(entry).toMatchObject({
    search_units,
    cost_usd,
    input_tokens,
    output_tokens,
    endpoint: paths.rerank,
  });
  expect(input_tokens).toBe(Math.ceil(Buffer.byteLength(sentLast()) / 4));
  expect(output_tokens).toBe(0);
  return { search_units, cost_usd, usage: entry?.usage, outcome: entry?.outcome };
}

describe('a rerank', () => {
  it('is charged the search units that are reported', async () => {
    const token = await gateway.issue();
    gateway.upstream.script(respond(200, json, answer({ billed_units: { search_units: 7 } })));
    await send(token);
    expect(await charged(token)).toEqual({
      search_units: 7,
      cost_usd: 0.014,
      usage: 'reported',
      outcome: 'ok',
    });
  });

  it.each([
    [1, 1],
    [100, 1],
    [101, 2],
    [1_000, 10],
  ])('of %i documents whose answer says nothing is charged an estimate of %i', async (count, units) => {
    const token = await gateway.issue();
    gateway.upstream.script(respond(200, json, answer({})));
    await send(token, { documents: documents(count) });
    expect(await charged(token)).toMatchObject({ search_units: units, usage: 'estimated' });
  });

  it('is read for what is at the end of a large answer', async () => {
    const token = await gateway.issue();
    const results = documents(1_000).map((text) => ({ index: 0, document: { text: text.repeat(40) } }));
    const meta = { billed_units: { search_units: 11 }, warnings: [] };
    gateway.upstream.script(respond(200, json, JSON.stringify({ results, meta })));
    await send(token);
    expect(await charged(token)).toMatchObject({ search_units: 11, usage: 'reported' });
  });

  it('that failed costs nothing; one that its caller left costs the estimate', async () => {
    const failed = await gateway.issue();
    gateway.upstream.script(respond(500, json, '{}'));
    await send(failed);
    expect(await charged(failed)).toMatchObject({ search_units: 0, cost_usd: 0, outcome: 'error' });

    const left = await gateway.issue();
    gateway.upstream.script(hang());
    const before = gateway.upstream.requests.length;
    const leaving = new AbortController();
    const body = bodies.rerank({ documents: documents(101) });
    const call = open(`${gateway.url}${paths.rerank}`, body, { token: left.text, signal: leaving.signal });
    await gateway.upstream.waitFor(({ requests }) => requests.length > before);
    leaving.abort();
    await expect(call).rejects.toThrow(/abort/);
    expect(await charged(left)).toMatchObject({ search_units: 2, cost_usd: 0.004, outcome: 'aborted' });
  });

  it('counts its text against a limit on tokens, reserved first and charged as estimated', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'tokens', window: 'day', max: 1_000 }] });
    const text = 'x'.repeat(4_000);
    expect(errorOf(await send(token, { documents: [text] })).code).toBe('insufficient_quota');
    expect(errorOf(await send(token, { query: text })).code).toBe('insufficient_quota');
    const half = { documents: ['x'.repeat(2_000)] };
    const replies = await Promise.all([1, 2, 3, 4].map(() => send(token, half)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await send(token, half)).status).toBe(429);
    const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(me).toMatchObject({ limits: [{ used: Math.ceil(Buffer.byteLength(sentLast()) / 4) }] });
  });

  it('that reports its tokens is charged those', async () => {
    const token = await gateway.issue();
    const meta = { billed_units: { search_units: 1 }, tokens: { input_tokens: 77, output_tokens: 0 } };
    gateway.upstream.script(respond(200, json, answer(meta)));
    await send(token);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ input_tokens: 77, output_tokens: 0, search_units: 1, usage: 'reported' });
  });

  it('counts against a limit on money', async () => {
    const token = await gateway.issue({
      limits: [{ metric: 'cost_usd', window: 'day', max: 3 * usdPerSearch }],
    });
    expect((await send(token, { documents: documents(150) })).status).toBe(200);
    expect(errorOf(await send(token, { documents: documents(150) })).code).toBe('insufficient_quota');
    expect((await send(token)).status).toBe(200);
    expect(errorOf(await send(token)).code).toBe('insufficient_quota');
    expect(errorOf(await send(token, { model: 'unpriced' })).code).toBe('model_unpriced');
  });

  it('is told in every report: as JSON, CSV and NDJSON, and to its holder', async () => {
    const token = await gateway.issue();
    await send(token, { documents: documents(101) });
    await gateway.settled(token.team, 1);
    const as = (path: string, format: string): Promise<Reply> =>
      get(`${gateway.url}${path}?team=${token.team}&format=${format}`, { token: gateway.adminKey });
    for (const path of ['/admin/usage', '/admin/requests']) {
      const [head = '', row = ''] = (await as(path, 'csv')).text.split('\r\n');
      expect(row.split(',')[head.split(',').indexOf('search_units')]).toBe('2');
      expect(JSON.parse((await as(path, 'ndjson')).text)).toMatchObject({ search_units: 2 });
    }
    const own = await get(`${gateway.url}/v1/me/usage`, { token: token.text });
    expect(own.json).toMatchObject({ data: [{ search_units: 2, cost_usd: 0.004 }] });
  });

  it('of the stand-in ranks by the words of the query', async () => {
    const reply = await send(await gateway.issue(), {
      query: 'where do ships turn',
      documents: ['a bakery', { text: 'the lighthouse where ships turn' }],
      top_n: 1,
    });
    expect(reply.json['results']).toEqual([{ index: 1, relevance_score: 0.75 }]);
  });
});
