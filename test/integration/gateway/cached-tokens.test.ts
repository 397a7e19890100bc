import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, open, paths, post, read, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { patient, TurnedClock } from '../../support/turned-clock.ts';
import { resetAfter, respond, streamFrames } from '../../support/upstream-scripts.ts';
import { withoutDyno } from '../../support/series.ts';

/* Prompt caches: what they gave and took is part of the input, has prices of its own, and counts unless a limit says no. */

const json = { 'content-type': 'application/json' };
const cached = 'claude-cached';
const plain = 'claude-plain';
const changing = 'claude-changing';

const day = 86_400_000;
const nextPriceMs = Math.floor(Date.now() / day + 2) * day;
const price = { usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 15 };
const cachePrices = { usd_per_million_cache_read_tokens: 0.3, usd_per_million_cache_write_tokens: 3.75 };
const models = {
  [cached]: { kind: 'chat', price: { ...price, ...cachePrices } },
  [plain]: { kind: 'chat', price },
  [changing]: {
    kind: 'chat',
    price: [price, { ...price, usd_per_million_input_tokens: 6, from: new Date(nextPriceMs).toISOString() }],
  },
};

/** Of 10,000 input tokens 8,000 were read from the cache, and 1,500 written to it. */
const openai = {
  prompt_tokens: 10_000,
  completion_tokens: 100,
  total_tokens: 10_100,
  prompt_tokens_details: { cached_tokens: 8_000, cache_write_tokens: 1_500 },
};
const anthropic = {
  input_tokens: 500,
  output_tokens: 100,
  cache_read_input_tokens: 8_000,
  cache_creation_input_tokens: 1_500,
  cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 500 },
};
const figures = {
  input_tokens: 10_000,
  output_tokens: 100,
  cache_read_tokens: 8_000,
  cache_write_tokens: 1_500,
};
/** Nano-dollars a token: 3,000, 300, 3,750 and 15,000. */
const costUsd = (500 * 3_000 + 8_000 * 300 + 1_500 * 3_750 + 100 * 15_000) / 1e9;

const chatAnswer = (usage: object): string =>
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    usage,
  });
const chatChunk = (more: object): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [], ...more })}\n\n`;
const messageAnswer = (usage: object): string =>
  JSON.stringify({
    id: 'm',
    type: 'message',
    role: 'assistant',
    content: [{ type: 'text', text: 'Hi' }],
    stop_reason: 'end_turn',
    usage,
  });
const messageEvent = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

let redis: SharedRedis;
let gateway: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis, models, standIn: { listsModels: false } });
});
afterEach(() => gateway.upstream.script(null));
afterAll(() => gateway.close());

const chat = ({ text }: IssuedToken, more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat({ model: cached, ...more }), { token: text });
const messages = ({ text }: IssuedToken, more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.messages}`, bodies.messages({ model: cached, ...more }), { token: text });
const agents = async ({ text }: IssuedToken): Promise<Reply> =>
  read(await open(`${gateway.url}${paths.agents}`, bodies.agents({ model: cached }), { token: text }));

/** What the only request of a token left: the same in its entry, the totals, and its holder's own usage. */
async function charged(token: IssuedToken): Promise<Record<string, unknown>> {
  const [entry] = await gateway.settled(token.team, 1);
  const counted = {
    input_tokens: entry?.input_tokens,
    output_tokens: entry?.output_tokens,
    cache_read_tokens: entry?.cache_read_tokens,
    cache_write_tokens: entry?.cache_write_tokens,
    cost_usd: entry?.cost_usd,
  };
  expect(await gateway.usage(token.team)).toMatchObject(counted);
  const own = await get(`${gateway.url}/v1/me/usage`, { token: token.text });
  expect(own.json).toMatchObject({ data: [counted] });
  return { ...counted, usage: entry?.usage };
}

const expected = { ...figures, cost_usd: costUsd, usage: 'reported' };

describe('cached tokens', () => {
  it('of a plain chat lie inside the input', async () => {
    const token = await gateway.issue();
    gateway.upstream.script(respond(200, json, chatAnswer(openai)));
    expect((await chat(token)).status).toBe(200);
    expect(await charged(token)).toEqual(expected);
  });

  it('of a stream of chat are in its last chunk', async () => {
    const token = await gateway.issue();
    const delta = { choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }] };
    gateway.upstream.script(
      streamFrames([chatChunk(delta), chatChunk({ usage: openai }), 'data: [DONE]\n\n']),
    );
    await chat(token, { stream: true });
    expect(await charged(token)).toEqual(expected);
  });

  it('of a message lie beside the input, and are added to it once', async () => {
    const token = await gateway.issue();
    gateway.upstream.script(respond(200, json, messageAnswer(anthropic)));
    expect((await messages(token)).status).toBe(200);
    expect(await charged(token)).toEqual(expected);
  });

  it('of a stream of a message are cumulative', async () => {
    const token = await gateway.issue();
    const delta = { index: 0, delta: { type: 'text_delta', text: 'Hi' } };
    gateway.upstream.script(
      streamFrames([
        messageEvent('message_start', { message: { id: 'm', usage: { ...anthropic, output_tokens: 1 } } }),
        messageEvent('content_block_delta', delta),
        messageEvent('message_delta', { delta: { stop_reason: 'end_turn' }, usage: anthropic }),
        messageEvent('message_stop'),
      ]),
    );
    await messages(token, { stream: true });
    expect(await charged(token)).toEqual(expected);
  });

  it('of a message that breaks off are those reported at its start', async () => {
    const token = await gateway.issue();
    const delta = { index: 0, delta: { type: 'text_delta', text: 'x'.repeat(400) } };
    const start = { message: { id: 'm', usage: { ...anthropic, output_tokens: 1 } } };
    gateway.upstream.script(
      resetAfter(messageEvent('message_start', start) + messageEvent('content_block_delta', delta)),
    );
    await messages(token, { stream: true }).catch(() => null);
    expect(await charged(token)).toMatchObject({ ...figures, usage: 'estimated' });
  });

  it("of an agent's inferences add up", async () => {
    const token = await gateway.issue({ endpoints: [paths.agents] });
    const chunk = chatChunk({ usage: openai });
    gateway.upstream.script(streamFrames([chunk, chunk, 'event: done\ndata: [DONE]\n\n']));
    await agents(token);
    expect(await charged(token)).toMatchObject({
      input_tokens: 20_000,
      output_tokens: 200,
      cache_read_tokens: 16_000,
      cache_write_tokens: 3_000,
    });
  });

  it('are never more than the input', async () => {
    const token = await gateway.issue();
    const usage = { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 99 } };
    gateway.upstream.script(respond(200, json, chatAnswer(usage)));
    await chat(token);
    expect(await charged(token)).toMatchObject({ input_tokens: 10, cache_read_tokens: 10 });
  });

  it('are 0 of a request that the upstream refused, or that reports none', async () => {
    const refused = await gateway.issue();
    gateway.upstream.script(respond(400, json, JSON.stringify({ error: { message: 'no', usage: openai } })));
    await chat(refused);
    expect(await charged(refused)).toMatchObject({ input_tokens: 0, cache_read_tokens: 0 });
    const none = await gateway.issue();
    gateway.upstream.script(respond(200, json, chatAnswer({ prompt_tokens: 9, completion_tokens: 1 })));
    await chat(none);
    expect(await charged(none)).toMatchObject({
      input_tokens: 9,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
    });
  });

  it('are in reports as CSV, in the metrics and in the answer of /admin/requests', async () => {
    const token = await gateway.issue();
    gateway.upstream.script(respond(200, json, chatAnswer(openai)));
    await chat(token);
    await gateway.settled(token.team, 1);
    const admin = { token: gateway.adminKey };
    for (const path of ['usage', 'requests']) {
      const { text } = await get(`${gateway.url}/admin/${path}?team=${token.team}&format=csv`, admin);
      const [head = '', row = ''] = text.split('\r\n');
      const at = (name: string): string | undefined => row.split(',')[head.split(',').indexOf(name)];
      expect([at('cache_read_tokens'), at('cache_write_tokens')]).toEqual(['8000', '1500']);
    }
    const { text } = await get(`${gateway.url}/metrics`, admin);
    const series = withoutDyno(text);
    expect(series).toMatch(/^tollgate_cached_tokens_total\{direction="read",model="claude-cached"\} [1-9]/m);
    expect(series).toMatch(/^tollgate_cached_tokens_total\{direction="write",model="claude-cached"\} [1-9]/m);
  });
});

describe('a report that no model could have used', () => {
  it.each([
    ['output', { prompt_tokens: 9, completion_tokens: 1e15 }],
    ['input', { prompt_tokens: 1e15, completion_tokens: 9 }],
    ['a cache', { input_tokens: 9, output_tokens: 9, cache_read_input_tokens: 1e15 }],
  ])('of %s is replaced by an estimate', async (_, usage) => {
    const token = await gateway.issue({ limits: [{ metric: 'tokens', window: 'month', max: 1_000_000 }] });
    gateway.upstream.script(respond(200, json, chatAnswer(usage)));
    await chat(token);
    const { input_tokens: input, output_tokens: output, usage: kind } = await charged(token);
    expect(kind).toBe('estimated');
    expect(Number(input) + Number(output)).toBeLessThan(1_000);
    expect((await chat(token)).status).toBe(200);
  });
});

describe('the price of cached input', () => {
  const spend = (max: number): Limit => ({ metric: 'cost_usd', window: 'day', max });

  it('is the price of any input if the catalogue has no other', async () => {
    const token = await gateway.issue();
    gateway.upstream.script(respond(200, json, chatAnswer(openai)));
    await chat(token, { model: plain });
    expect(await charged(token)).toMatchObject({ cost_usd: (10_000 * 3_000 + 100 * 15_000) / 1e9 });
  });

  it('is reserved as the dearest, and settled exactly', async () => {
    const token = await gateway.issue({ limits: [spend(1)] });
    const content = 'x'.repeat(40_000);
    gateway.upstream.script(respond(200, json, chatAnswer(openai)));
    const reply = await chat(token, { max_tokens: 100, messages: [{ role: 'user', content }] });
    const sent = Buffer.byteLength(gateway.upstream.requests.at(-1)?.text ?? '');
    const reserved = Math.ceil(sent / 4) * 3_750 + 100 * 15_000;
    const left = /;r=(\d+)/.exec(reply.headers.get('ratelimit') ?? '')?.[1];
    expect(Number(left)).toBe(1e9 - reserved);
    expect(await charged(token)).toEqual(expected);
    const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(me).toMatchObject({ limits: [{ used: costUsd }] });
  });

  it('is that of the day of the admission, and an entry keeps it', async () => {
    const clock = new TurnedClock();
    const own = await startGateway({
      clock,
      models,
      env: patient,
      standIn: { listsModels: false },
    });
    try {
      const token = await own.issue();
      const usage = { prompt_tokens: 1_000, completion_tokens: 10 };
      own.upstream.script(respond(200, json, chatAnswer(usage)));
      const ask = (): Promise<Reply> =>
        post(`${own.url}${paths.chat}`, bodies.chat({ model: changing }), { token: token.text });
      await ask();
      await own.settled(token.team, 1);
      clock.aheadMs = nextPriceMs - Date.now() + 60_000;
      await ask();
      const entries = await own.settled(token.team, 2);
      expect(entries.map(({ cost_usd: cost }) => cost ?? 0).toSorted((a, b) => a - b)).toEqual([
        (1_000 * 3_000 + 10 * 15_000) / 1e9,
        (1_000 * 6_000 + 10 * 15_000) / 1e9,
      ]);
    } finally {
      await own.close();
    }
  });
});

describe('a limit that does not count cached tokens', () => {
  const uncached: Limit = { metric: 'tokens', window: 'day', max: 20_000, count_cached: false };
  const all: Limit = { metric: 'tokens', window: 'day', max: 20_000 };

  it('leaves out what was read, and nothing else', async () => {
    const token = await gateway.issue({ limits: [uncached, all] });
    gateway.upstream.script(respond(200, json, chatAnswer(openai)));
    expect((await chat(token)).status).toBe(200);
    await gateway.settled(token.team, 1);
    const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
    const limits = me['limits'] as { used: number; count_cached?: boolean }[];
    expect(limits.map(({ used, count_cached: counted }) => [used, counted])).toEqual([
      [2_100, false],
      [10_100, undefined],
    ]);
  });

  it('reserves all of the input, and says whose limit it was', async () => {
    const token = await gateway.issue({ limits: [{ ...uncached, max: 5_000 }] });
    const reply = await chat(token, { messages: [{ role: 'user', content: 'x'.repeat(40_000) }] });
    expect(reply.status).toBe(429);
    expect(errorOf(reply).message).toContain('5000 tokens a day (cache reads not counted)');
  });

  it('is kept by the API as it was given, and keeps its count while its maximum changes', async () => {
    const token = await gateway.issue({ limits: [uncached] });
    gateway.upstream.script(respond(200, json, chatAnswer(openai)));
    await chat(token);
    await gateway.settled(token.team, 1);
    const path = `/admin/teams/${token.team}/tokens/${token.id}`;
    const { body } = await gateway.admin('PATCH', path, { limits: [{ ...uncached, max: 30_000 }] });
    expect(body).toMatchObject({ limits: [{ ...uncached, max: 30_000 }] });
    const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(me).toMatchObject({ limits: [{ max: 30_000, used: 2_100 }] });
  });

  it.each([
    [{ metric: 'requests', window: 'day', max: 1 }],
    [{ metric: 'images', window: 'day', max: 1 }],
    [{ metric: 'cost_usd', window: 'day', max: 1 }],
    [{ metric: 'concurrency', max: 1 }],
  ])('is one on tokens, not %j', async (limit) => {
    const limits = [{ ...limit, count_cached: false }];
    const { status, body } = await gateway.admin('POST', '/admin/teams', { id: 'never', limits });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      error: {
        param: 'limits.0.count_cached',
        message: 'limits.0.count_cached is only for limits on tokens; leave it out here.',
      },
    });
  });

  it.each(['false', 0, null])('says true or false, not %j', async (value) => {
    const limits = [{ ...all, count_cached: value }];
    const { status, body } = await gateway.admin('POST', '/admin/teams', { id: 'never', limits });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { param: 'limits.0.count_cached' } });
  });
});
