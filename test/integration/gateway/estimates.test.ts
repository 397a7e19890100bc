import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { respond } from '../../support/upstream-scripts.ts';

/* What is reserved before anything is known: encoded media, thinking, and bounds beyond all reason. */

const json = { 'content-type': 'application/json' };
/** In no catalogue. */
const unknown = 'claude-of-tomorrow';
const priced = 'claude-priced';
const bounded = 'claude-bounded';
const price = { usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 15 };

const models = { [priced]: { kind: 'chat', price }, [bounded]: { kind: 'chat', max_tokens: 8_192 } };

let redis: SharedRedis;
let gateway: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis, models, standIn: { listsModels: false } });
});
afterEach(() => gateway.upstream.script(null));
afterAll(() => gateway.close());

const chat = ({ text }: IssuedToken, more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat({ model: unknown, ...more }), { token: text });
const messages = ({ text }: IssuedToken, more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.messages}`, bodies.messages({ model: unknown, ...more }), { token: text });
/** Without a bound of its own. */
const unboundedChat = (token: IssuedToken, more: object = {}): Promise<Reply> =>
  chat(token, { max_tokens: null, allow_ignored_params: true, ...more });
const tokens = (max: number, window: 'minute' | 'day' = 'minute'): Limit => ({
  metric: 'tokens',
  window,
  max,
});
const sentBound = (): unknown => {
  const { body } = gateway.upstream.requests.at(-1) ?? {};
  return (body as { max_tokens?: number }).max_tokens;
};

describe('a megabyte in base64 under 100,000 tokens a minute', () => {
  const encoded = Buffer.alloc(1_048_576, 'bytes of a PDF').toString('base64');
  const pdf = { type: 'base64', media_type: 'application/pdf', data: encoded };
  const user = (part: object): object => ({ messages: [{ role: 'user', content: [part] }] });

  it.each<[string, object]>([
    ['a file', { type: 'file', file: { file_data: `data:application/pdf;base64,${encoded}` } }],
    ['a bare file', { type: 'file', file: { filename: 'a.pdf', file_data: encoded } }],
    ['audio', { type: 'input_audio', input_audio: { data: encoded, format: 'mp3' } }],
    ['an image', { type: 'image_url', image_url: { url: `data:image/png;base64,${encoded}` } }],
  ])('fits a chat as %s', async (_, part) => {
    const token = await gateway.issue({ limits: [tokens(100_000)] });
    const body = user(part);
    expect((await chat(token, body)).status).toBe(200);
    expect(gateway.upstream.requests.at(-1)?.body).toMatchObject(body);
  });

  it.each<[string, object]>([
    ['a document', { type: 'document', source: pdf }],
    [
      'a document that a tool gave',
      { type: 'tool_result', tool_use_id: 't', content: [{ type: 'document', source: pdf }] },
    ],
  ])('fits a message as %s', async (_, block) => {
    const token = await gateway.issue({ limits: [tokens(100_000)] });
    expect((await messages(token, user(block))).status).toBe(200);
  });

  it('does not fit as text, whatever it looks like', async () => {
    const token = await gateway.issue({ limits: [tokens(100_000)] });
    const plain = { type: 'text', media_type: 'text/plain', data: encoded };
    for (const reply of [
      await chat(token, user({ type: 'text', text: encoded })),
      await chat(token, user({ type: 'file', file: { file_data: `${encoded} and more` } })),
      await messages(token, user({ type: 'document', source: plain })),
    ]) {
      expect(reply.status).toBe(429);
      expect(errorOf(reply).message).toContain('can never fit');
    }
  });
});

describe('a thinking budget', () => {
  const thinking = { extended_thinking: { enabled: true, budget_tokens: 2_000 } };

  it.each<[string, object]>([
    ["Heroku's", thinking],
    ["Anthropic's", { thinking: { type: 'enabled', budget_tokens: 2_000 } }],
    ['an effort', { reasoning_effort: 'high' }],
    ['none', {}],
  ])('is no bound of the answer under a limit on tokens: %s', async (_, more) => {
    const token = await gateway.issue({ limits: [tokens(3_000)] });
    expect((await unboundedChat(token, more)).status).toBe(200);
    const input = Math.ceil(Buffer.byteLength(gateway.upstream.requests.at(-1)?.text ?? '') / 4);
    expect(Number(sentBound()) + input).toBeLessThanOrEqual(3_001);
    expect(Number(sentBound())).toBeGreaterThan(2_500);
  });

  it('is no bound under a limit on money', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'cost_usd', window: 'day', max: 0.015 }] });
    expect((await unboundedChat(token, { model: priced, ...thinking })).status).toBe(200);
    expect(Number(sentBound())).toBeGreaterThan(900);
    expect(Number(sentBound())).toBeLessThan(1_000);
  });

  it.each<[string, object, number]>([
    [
      'over the usual bound: the budget',
      { extended_thinking: { enabled: true, budget_tokens: 9_000 } },
      9_000,
    ],
    ['under it: the usual bound', thinking, 4_096],
    ["of a model in the catalogue: the catalogue's", { model: bounded, ...thinking }, 8_192],
  ])('leaves what is written in, %s', async (_, more, bound) => {
    const token = await gateway.issue({ limits: [tokens(1_000_000)] });
    expect((await unboundedChat(token, more)).status).toBe(200);
    expect(sentBound()).toBe(bound);
  });

  it('changes nothing if the caller bounds the answer, or no such limit applies', async () => {
    const limited = await gateway.issue({ limits: [tokens(10_000)] });
    await unboundedChat(limited, { ...thinking, max_completion_tokens: 3_000 });
    expect(sentBound()).toBeNull();
    await unboundedChat(await gateway.issue(), thinking);
    expect(sentBound()).toBeNull();
  });
});

describe('a bound beyond all reason', () => {
  it.each<[object, string]>([
    [{ max_tokens: 9_007_199_254_740_991, n: 128 }, 'max_tokens'],
    [{ max_completion_tokens: 1_000_001 }, 'max_completion_tokens'],
    [{ max_tokens: 1_000_000, n: 11 }, 'max_tokens'],
    [
      { max_tokens: null, extended_thinking: { enabled: true, budget_tokens: 1e15 } },
      'extended_thinking.budget_tokens',
    ],
    [{ max_tokens: 5, n: 129 }, 'n'],
  ])('is refused, and never in the ledger: %j', async (more, param) => {
    const token = await gateway.issue();
    const before = gateway.upstream.requests.length;
    const reply = await chat(token, more);
    expect([reply.status, errorOf(reply).code, errorOf(reply).param]).toEqual([400, 'invalid_body', param]);
    expect(gateway.upstream.requests.length).toBe(before);
    expect(await gateway.usage(token.team)).toMatchObject({ requests: 0, output_tokens: 0 });
  });

  it('is refused in a message as well', async () => {
    const token = await gateway.issue();
    const reply = await messages(token, { max_tokens: 1e12 });
    expect(reply.status).toBe(400);
    expect(reply.text).toContain('max_tokens must be at most 1000000');
  });

  it("is lowered, not refused, if the catalogue has the model's own", async () => {
    const token = await gateway.issue();
    expect((await chat(token, { model: bounded, max_tokens: 9_007_199_254_740_991 })).status).toBe(200);
    expect(sentBound()).toBe(8_192);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry?.output_tokens).toBeLessThanOrEqual(8_192);
  });

  it('may be as much as a million, and ten for all choices', async () => {
    const token = await gateway.issue();
    gateway.upstream.script(respond(200, json, JSON.stringify({ choices: [], usage: { prompt_tokens: 1 } })));
    expect((await chat(token, { max_tokens: 1_000_000, n: 10 })).status).toBe(200);
  });
});
