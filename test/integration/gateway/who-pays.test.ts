import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Script } from '../../support/stand-in.ts';
import {
  hang,
  resetAfter,
  resetBeforeAnswer,
  respond,
  streamFrames,
  wafPage,
} from '../../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, open, paths, post, read, readStream } from '../../support/gateway-client.ts';
import { freePort } from '../../support/free-port.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';

/* The rows of "Who pays": the limits' use, the ledger's entry and the day's totals must tell the same. */

const json = { 'content-type': 'application/json' };
const maxTokens = 50;
const usage = { prompt_tokens: 7, completion_tokens: 11 };
const word = messageFrame({ choices: [{ delta: { content: 'x'.repeat(40) } }] }); // ten tokens' worth
const withUsage = messageFrame({ choices: [{ delta: {}, finish_reason: '' }], usage });
const limits: Limit[] = [
  { metric: 'requests', window: 'day', max: 100 },
  { metric: 'tokens', window: 'month', max: 1_000_000 },
  { metric: 'images', window: 'hour', max: 100 },
  { metric: 'concurrency', max: 10 },
];

let redis: SharedRedis;
let gateway: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({
    standIn: { listsModels: false },
    redis,
    env: {
      UPSTREAM_TIMEOUT_MS: '1000',
      STREAM_IDLE_TIMEOUT_MS: '1000',
      NOWHERE_URL: `http://127.0.0.1:${await freePort()}`,
      NOWHERE_KEY: 'inf-nowhere',
      NOWHERE_MODEL_ID: 'nowhere',
    },
  });
});

afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await gateway.close();
});

interface Row {
  charged: { requests: number; input: number | 'estimate'; output: number | 'reserved'; images?: number };
  entry: Partial<LedgerEntry>;
}

/** Checks what a team's one request was charged, in all three places. */
async function expectCharged(
  token: IssuedToken,
  { charged, entry }: Row,
  reservedOutput = maxTokens,
): Promise<void> {
  const [found] = await gateway.settled(token.team, 1);
  const sent = gateway.upstream.requests.at(-1)?.text ?? '';
  const input = charged.input === 'estimate' ? Math.ceil(Buffer.byteLength(sent) / 4) : charged.input;
  const output = charged.output === 'reserved' ? reservedOutput : charged.output;
  const images = charged.images ?? 0;
  expect(found).toMatchObject({
    ...entry,
    input_tokens: input,
    output_tokens: output,
    images,
    team: token.team,
    user: token.user,
    token_id: token.id,
    session_id: null,
  });
  expect(await gateway.usage(token.team)).toMatchObject({
    requests: 1,
    input_tokens: input,
    output_tokens: output,
    images,
    errors: entry.outcome === 'error' ? 1 : 0,
    aborted: entry.outcome === 'aborted' ? 1 : 0,
    lost: 0,
  });
  expect(await used(token)).toEqual([
    ['tokens', input + output],
    ['requests', charged.requests],
    ['images', images],
    ['concurrency', 0],
  ]);
}

async function used(token: IssuedToken): Promise<[string, number][]> {
  const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
  return (me['limits'] as { metric: string; used: number }[]).map((limit) => [limit.metric, limit.used]);
}

const newToken = (): Promise<IssuedToken> => gateway.issue({ team: { limits } });

const nothing = { requests: 0, input: 0, output: 0 } as const;
const oneRequest = { requests: 1, input: 0, output: 0 } as const;
const inputOnly = { requests: 1, input: 'estimate', output: 0 } as const;
const error = (code: string, status: number): Partial<LedgerEntry> => ({
  outcome: 'error',
  error_code: code,
  status,
  usage: 'estimated',
});

const refusals: [string, Script, Row][] = [
  ['401: nothing', respond(401, json, '{}'), { charged: nothing, entry: error('upstream_auth_failed', 502) }],
  ['403: nothing', respond(403, json, '{}'), { charged: nothing, entry: error('upstream_auth_failed', 502) }],
  ['403 of the firewall: nothing', wafPage(), { charged: nothing, entry: error('upstream_blocked', 400) }],
  [
    '429: nothing',
    respond(429, json, '{}'),
    { charged: nothing, entry: error('upstream_rate_limited', 429) },
  ],
  [
    'a reset before the answer: nothing',
    resetBeforeAnswer(),
    { charged: nothing, entry: error('upstream_unreachable', 502) },
  ],
  [
    '400: the request',
    respond(400, json, '{}'),
    { charged: oneRequest, entry: error('upstream_error', 400) },
  ],
  [
    '404: the request',
    respond(404, json, '{}'),
    { charged: oneRequest, entry: error('upstream_error', 404) },
  ],
  [
    '422 HTML: the request',
    respond(422, {}, 'no'),
    { charged: oneRequest, entry: error('upstream_error', 502) },
  ],
  ['500: the input', respond(500, json, '{}'), { charged: inputOnly, entry: error('upstream_error', 502) }],
  ['503: the input', respond(503, {}, ''), { charged: inputOnly, entry: error('upstream_error', 502) }],
  ['too slow: the input', hang(), { charged: inputOnly, entry: error('upstream_timeout', 504) }],
];

describe.each([
  ['plain', false],
  ['streamed', true],
])('a %s call', (_, stream) => {
  it.each(refusals)('answered with %s', async (_name, script, row) => {
    const token = await newToken();
    gateway.upstream.script(script);
    const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat({ stream }), { token: token.text });
    expect(reply.status).toBe(row.entry.status);
    await expectCharged(token, { ...row, entry: { ...row.entry, stream } });
  });

  it('without a connection: nothing', async () => {
    const token = await newToken();
    const body = bodies.chat({ stream, model: 'nowhere' });
    await post(`${gateway.url}${paths.chat}`, body, { token: token.text });
    await expectCharged(token, { charged: nothing, entry: error('upstream_unreachable', 502) });
  });
});

describe('a plain call', () => {
  const send = (token: IssuedToken, more: object = {}): Promise<unknown> =>
    post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token: token.text });

  it('answered: what was reported', async () => {
    const token = await newToken();
    gateway.upstream.script(respond(200, json, JSON.stringify({ usage })));
    await send(token);
    await expectCharged(token, {
      charged: { requests: 1, input: 7, output: 11 },
      entry: { outcome: 'ok', usage: 'reported', status: 200, error_code: null, stream: false },
    });
  });

  it('answered without usage: what was estimated', async () => {
    const token = await newToken();
    const answer = JSON.stringify({ choices: [{ message: { content: 'x'.repeat(400) } }] });
    gateway.upstream.script(respond(200, json, answer));
    await send(token);
    await expectCharged(token, {
      charged: { requests: 1, input: 'estimate', output: 100 },
      entry: { outcome: 'ok', usage: 'estimated' },
    });
  });

  it('answered with more than it reserved: all of it', async () => {
    const token = await newToken();
    const large = { prompt_tokens: 5_000, completion_tokens: 6_000 };
    gateway.upstream.script(respond(200, json, JSON.stringify({ usage: large })));
    await send(token);
    await expectCharged(token, {
      charged: { requests: 1, input: 5_000, output: 6_000 },
      entry: { outcome: 'ok', usage: 'reported' },
    });
  });

  it('whose answer breaks off: the input and the output seen', async () => {
    const token = await newToken();
    gateway.upstream.script(resetAfter(`{"content":"${'x'.repeat(40)}","rest":"`, json));
    await send(token);
    await expectCharged(token, {
      charged: { requests: 1, input: 'estimate', output: 10 },
      entry: { outcome: 'error', error_code: 'upstream_error', usage: 'estimated' },
    });
  });

  it('left by its caller: the whole reservation, and the upstream is let go at once', async () => {
    const token = await newToken();
    gateway.upstream.script(hang());
    const leaving = new AbortController();
    const before = gateway.upstream.requests.length;
    const { aborted } = gateway.upstream;
    const answer = open(`${gateway.url}${paths.chat}`, bodies.chat(), {
      token: token.text,
      signal: leaving.signal,
    });
    await gateway.upstream.waitFor(({ requests }) => requests.length > before);
    leaving.abort();
    await expect(answer).rejects.toThrow(/abort/);
    await gateway.upstream.waitFor((upstream) => upstream.aborted > aborted);
    await expectCharged(token, {
      charged: { requests: 1, input: 'estimate', output: 'reserved' },
      entry: { outcome: 'aborted', usage: 'estimated', error_code: null, ttfb_ms: null },
    });
  });

  it('for images: those that were asked for', async () => {
    const token = await newToken();
    await post(`${gateway.url}${paths.images}`, bodies.images({ n: 3 }), { token: token.text });
    await expectCharged(token, {
      charged: { requests: 1, input: 0, output: 0, images: 3 },
      entry: { outcome: 'ok', endpoint: paths.images },
    });
  });

  it('for images that were not made: none', async () => {
    const token = await newToken();
    gateway.upstream.script(respond(500, json, '{}'));
    await post(`${gateway.url}${paths.images}`, bodies.images({ n: 3 }), { token: token.text });
    await expectCharged(token, {
      charged: { ...oneRequest, images: 0 },
      entry: { outcome: 'error', endpoint: paths.images },
    });
  });

  it('for embeddings: what was reported', async () => {
    const token = await newToken();
    await post(`${gateway.url}${paths.embeddings}`, bodies.embeddings({ input: 'twelve chars' }), {
      token: token.text,
    });
    await expectCharged(token, {
      charged: { requests: 1, input: 3, output: 0 },
      entry: { outcome: 'ok', usage: 'reported', endpoint: paths.embeddings },
    });
  });

  it('for embeddings, a large answer: what was reported at its end', async () => {
    const token = await newToken();
    const data = Array.from({ length: 96 }, () => ({
      embedding: Array.from({ length: 1_024 }, () => 0.123_456),
    }));
    const answer = JSON.stringify({ data, model: 'x', usage: { prompt_tokens: 42, total_tokens: 42 } });
    gateway.upstream.script(respond(200, json, answer));
    await post(`${gateway.url}${paths.embeddings}`, bodies.embeddings(), { token: token.text });
    await expectCharged(token, {
      charged: { requests: 1, input: 42, output: 0 },
      entry: { outcome: 'ok', usage: 'reported' },
    });
  });
});

describe('a stream', () => {
  const begin = (token: IssuedToken, signal?: AbortSignal): Promise<Response> =>
    open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
      token: token.text,
      ...(signal ? { signal } : {}),
    });

  it('answered: what was reported', async () => {
    const token = await newToken();
    gateway.upstream.script(streamFrames([word, withUsage, doneFrame]));
    await read(await begin(token));
    await expectCharged(token, {
      charged: { requests: 1, input: 7, output: 11 },
      entry: { outcome: 'ok', usage: 'reported', stream: true },
    });
  });

  it('broken off: the input and the output seen', async () => {
    const token = await newToken();
    gateway.upstream.script(resetAfter(word + word));
    expect(await readStream(await begin(token)).rest()).toBe('broken');
    await expectCharged(token, {
      charged: { requests: 1, input: 'estimate', output: 20 },
      entry: { outcome: 'error', error_code: 'upstream_error', usage: 'estimated', stream: true },
    });
  });

  it('broken off after its usage: what was reported', async () => {
    const token = await newToken();
    gateway.upstream.script(resetAfter(word + withUsage));
    expect(await readStream(await begin(token)).rest()).toBe('broken');
    await expectCharged(token, {
      charged: { requests: 1, input: 7, output: 11 },
      entry: { outcome: 'error', usage: 'reported' },
    });
  });

  it('left by its caller: the input and the output seen, and the upstream is let go at once', async () => {
    const token = await newToken();
    gateway.upstream.script(streamFrames([word, word, word], { end: false }));
    const leaving = new AbortController();
    const { aborted } = gateway.upstream;
    const reading = readStream(await begin(token, leaving.signal));
    await reading.until(word + word + word);
    leaving.abort();
    await gateway.upstream.waitFor((upstream) => upstream.aborted > aborted);
    await expectCharged(token, {
      charged: { requests: 1, input: 'estimate', output: 30 },
      entry: { outcome: 'aborted', usage: 'estimated', error_code: null, status: 200 },
    });
  });

  it('left before its first byte: the input', async () => {
    const token = await newToken();
    gateway.upstream.script(hang());
    const leaving = new AbortController();
    const { aborted, requests } = gateway.upstream;
    const before = requests.length;
    const answer = begin(token, leaving.signal);
    await gateway.upstream.waitFor(() => requests.length > before);
    leaving.abort();
    await expect(answer).rejects.toThrow(/abort/);
    await gateway.upstream.waitFor((upstream) => upstream.aborted > aborted);
    await expectCharged(token, {
      charged: inputOnly,
      entry: { outcome: 'aborted', usage: 'estimated', ttfb_ms: null },
    });
  });

  it('left after [DONE]: what was reported, and ok', async () => {
    const token = await newToken();
    gateway.upstream.script(streamFrames([word, withUsage, doneFrame], { end: false }));
    const leaving = new AbortController();
    const { aborted } = gateway.upstream;
    const reading = readStream(await begin(token, leaving.signal));
    await reading.until(doneFrame);
    leaving.abort();
    await gateway.upstream.waitFor((upstream) => upstream.aborted > aborted);
    await expectCharged(token, {
      charged: { requests: 1, input: 7, output: 11 },
      entry: { outcome: 'ok', usage: 'reported', error_code: null, status: 200 },
    });
  });

  it('whose upstream keeps the connection after [DONE] is settled with it, and ends', async () => {
    const token = await newToken();
    gateway.upstream.script(streamFrames([word, withUsage, doneFrame], { end: false }));
    const reading = readStream(await begin(token));
    await reading.until(doneFrame);
    await expectCharged(token, {
      charged: { requests: 1, input: 7, output: 11 },
      entry: { outcome: 'ok', usage: 'reported' },
    });
    expect(await reading.rest()).toBe('clean');
    await gateway.upstream.waitFor(({ open: left }) => left === 0);
  });
});

describe('what is in the ledger', () => {
  it('is there within a second of the answer, newest closed first', async () => {
    const token = await newToken();
    for (const content of ['first', 'second', 'third']) {
      const id = `the-${content}-request-of-a-caller`;
      const body = bodies.chat({ messages: [{ role: 'user', content }] });
      const reply = await post(`${gateway.url}${paths.chat}`, body, {
        token: token.text,
        headers: { 'x-request-id': id },
      });
      expect(reply.status).toBe(200);
      await gateway.settled(token.team, content === 'first' ? 1 : content === 'second' ? 2 : 3);
    }
    const [newest, , oldest] = await gateway.entries(token.team);
    expect(newest?.request_id).toBe('the-third-request-of-a-caller');
    expect(oldest?.request_id).toBe('the-first-request-of-a-caller');
    expect(Date.now() - Date.parse(newest?.time ?? '')).toBeLessThan(60_000);
    expect(newest?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(newest?.duration_ms).toBeGreaterThanOrEqual(newest?.ttfb_ms ?? Infinity);
  });

  it('does not name a model that only a caller has said', async () => {
    const token = await newToken();
    gateway.upstream.script(respond(404, json, '{"error":{"code":404,"message":"no such model"}}'));
    await post(`${gateway.url}${paths.chat}`, bodies.chat({ model: 'a-callers-invention' }), {
      token: token.text,
    });
    await gateway.settled(token.team, 1);
    const { body } = await gateway.admin('GET', `/admin/usage?team=${token.team}&group_by=model`);
    expect(JSON.stringify(body)).not.toContain('a-callers-invention');
    const metrics = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
    expect(metrics.text).not.toContain('a-callers-invention');
  });
});
