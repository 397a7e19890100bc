import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import type { Script } from '../../support/stand-in.ts';
import {
  hang,
  resetAfter,
  resetBeforeAnswer,
  respond,
  streamFrames,
  wafPage,
} from '../../support/upstream-scripts.ts';
import { namedFrame } from '../../../src/demo/frames.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import {
  bodies,
  get,
  open,
  paths,
  post,
  read,
  readStream,
  type Reply,
} from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';

/* `POST /v1/messages`: Anthropic's shape there and back, its errors included. */

const json = { 'content-type': 'application/json' };
const limits = [{ metric: 'tokens', window: 'day', max: 100_000 } as const];

let redis: SharedRedis;
let gateway: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({
    redis,
    env: { UPSTREAM_TIMEOUT_MS: '1000', STREAM_IDLE_TIMEOUT_MS: '1000' },
  });
});
afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await gateway.close();
});

const newToken = (): Promise<IssuedToken> => gateway.issue({ team: { limits } });
const send = (token: IssuedToken, more: object = {}, headers: Record<string, string> = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.messages}`, bodies.messages(more), { token: token.text, headers });
const begin = (token: IssuedToken, signal?: AbortSignal): Promise<Response> =>
  open(`${gateway.url}${paths.messages}`, bodies.messages({ stream: true }), {
    token: token.text,
    ...(signal ? { signal } : {}),
  });

async function usedTokens(token: IssuedToken): Promise<number | undefined> {
  const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
  return (me['limits'] as { used: number }[])[0]?.used;
}

/** What one request left in the ledger, the totals and the limit: all three the same. */
async function charged(token: IssuedToken): Promise<LedgerEntry> {
  const [entry] = await gateway.settled(token.team, 1);
  if (!entry) throw new Error('There is no entry.');
  const { input_tokens, output_tokens } = await gateway.usage(token.team);
  expect({ input_tokens, output_tokens }).toEqual({
    input_tokens: entry.input_tokens,
    output_tokens: entry.output_tokens,
  });
  expect(await usedTokens(token)).toBe(input_tokens + output_tokens);
  return entry;
}

/** The estimate of what was last sent on. */
function estimate(): number {
  return Math.ceil(Buffer.byteLength(gateway.upstream.requests.at(-1)?.text ?? '') / 4);
}

const start = namedFrame('message_start', {
  type: 'message_start',
  message: {
    usage: {
      input_tokens: 5,
      cache_creation_input_tokens: 10,
      cache_read_input_tokens: 20,
      output_tokens: 2,
    },
  },
});
const word = namedFrame('content_block_delta', {
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text: 'x'.repeat(40) }, // ten tokens' worth
});
const delta = namedFrame('message_delta', {
  type: 'message_delta',
  delta: { stop_reason: 'end_turn' },
  usage: { output_tokens: 33 },
});
const stop = namedFrame('message_stop', { type: 'message_stop' });

describe('an answer', () => {
  it('comes as the upstream gave it, and is charged with what its cache wrote and read', async () => {
    const token = await newToken();
    const usage = {
      input_tokens: 5,
      cache_creation_input_tokens: 10,
      cache_read_input_tokens: 20,
      output_tokens: 33,
    };
    const answer = JSON.stringify({ type: 'message', content: [{ type: 'text', text: 'Hi' }], usage });
    gateway.upstream.script(respond(200, json, answer));
    const reply = await send(token);
    expect([reply.status, reply.text]).toEqual([200, answer]);
    expect(reply.headers.get('request-id')).toBe(reply.headers.get('x-request-id'));
    expect(await charged(token)).toMatchObject({
      endpoint: paths.messages,
      input_tokens: 35,
      output_tokens: 33,
      usage: 'reported',
      outcome: 'ok',
    });
  });

  it('is given to who sends the token as x-api-key, whose anthropic headers go on and whose credential does not', async () => {
    const token = await newToken();
    const headers = {
      'x-api-key': token.text,
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'tools-2024-04-04',
    };
    const reply = await post(`${gateway.url}${paths.messages}`, bodies.messages({ thread: { id: 1 } }), {
      headers,
    });
    expect(reply.status).toBe(200);
    const sent = gateway.upstream.requests.at(-1);
    expect(sent?.headers).toMatchObject({
      authorization: `Bearer ${gateway.upstream.key}`,
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'tools-2024-04-04',
    });
    expect(sent?.headers['x-api-key']).toBeUndefined();
    expect(sent?.body).toMatchObject({ thread: { id: 1 } });
  });

  it('of the stand-in calls a tool, and goes on from its result', async () => {
    const token = await newToken();
    const tools = [
      { name: 'get_weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } },
    ];
    const asked = await send(token, { tools });
    expect(asked.json).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'get_weather', input: { city: 'example' } }],
    });
    const [block] = asked.json['content'] as { id: string }[];
    const result = { type: 'tool_result', tool_use_id: block?.id ?? '', content: 'Sunny' };
    const messages = [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: asked.json['content'] },
      { role: 'user', content: [result] },
    ];
    expect((await send(token, { tools, messages })).json).toMatchObject({ stop_reason: 'end_turn' });
  });

  it('left by its caller is charged what was reserved', async () => {
    const token = await newToken();
    gateway.upstream.script(hang());
    const leaving = new AbortController();
    const before = gateway.upstream.requests.length;
    const answer = open(`${gateway.url}${paths.messages}`, bodies.messages(), {
      token: token.text,
      signal: leaving.signal,
    });
    await gateway.upstream.waitFor(({ requests }) => requests.length > before);
    leaving.abort();
    await expect(answer).rejects.toThrow(/abort/);
    expect(await charged(token)).toMatchObject({
      input_tokens: estimate(),
      output_tokens: 50,
      outcome: 'aborted',
    });
  });
});

describe('a stream', () => {
  it('comes byte for byte, and is charged what it reports', async () => {
    const token = await newToken();
    const reply = await read(await begin(token));
    const events = [...reply.text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(events.slice(0, 3)).toEqual(['message_start', 'content_block_start', 'ping']);
    expect(events.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop']);
    expect(await charged(token)).toMatchObject({ usage: 'reported', outcome: 'ok', stream: true });
  });

  it.each(['anthropic', 'anthropic-crlf', 'heroku-frames', 'thinking-and-tools', 'sorted-keys'])(
    'of real frames (%s) comes untouched',
    async (name) => {
      const bytes = readFileSync(new URL(`../../fixtures/streams/messages/${name}.txt`, import.meta.url));
      const token = await newToken();
      gateway.upstream.script(streamFrames([bytes]));
      expect((await read(await begin(token))).bytes).toEqual(bytes);
      expect(await charged(token)).toMatchObject({ input_tokens: 132, output_tokens: 15, usage: 'reported' });
    },
  );

  it.each<[string, string, [input: number | 'estimate', output: number, LedgerEntry['usage']]]>([
    ['before its beginning', '', ['estimate', 0, 'estimated']],
    ['at its beginning', start, [35, 0, 'reported']],
    ['in the middle', start + word + word, [35, 20, 'estimated']],
    ['inside an event', start + word + word.slice(0, 50), [35, 10, 'estimated']],
    ['before message_stop', start + word + delta, [35, 33, 'reported']],
  ])('broken off %s is charged the input and the output seen', async (_, text, [input, output, usage]) => {
    for (const script of [resetAfter(text), streamFrames([text])]) {
      const token = await newToken();
      gateway.upstream.script(script);
      expect(await readStream(await begin(token)).rest()).toBe('broken');
      const { input_tokens: inputTokens, ...entry } = await charged(token);
      expect(inputTokens).toBe(input === 'estimate' ? estimate() : input);
      expect(entry).toMatchObject({
        output_tokens: output,
        usage,
        outcome: 'error',
        error_code: 'upstream_error',
        status: 200,
      });
    }
  });

  it('left in the middle is charged the input and the output seen; after message_stop it is ok', async () => {
    for (const [frames, entry] of [
      [[start, word, word], { input_tokens: 35, output_tokens: 20, outcome: 'aborted' }],
      [[start, word, delta, stop], { input_tokens: 35, output_tokens: 33, outcome: 'ok', usage: 'reported' }],
    ] as const) {
      const token = await newToken();
      gateway.upstream.script(streamFrames([...frames], { end: false }));
      const leaving = new AbortController();
      const { aborted } = gateway.upstream;
      const reading = readStream(await begin(token, leaving.signal));
      await reading.until(frames.join(''));
      leaving.abort();
      await gateway.upstream.waitFor((upstream) => upstream.aborted > aborted);
      expect(await charged(token)).toMatchObject(entry);
    }
  });

  it('that breaks off says so in the event that Anthropic has for it, and is cut', async () => {
    const token = await newToken();
    gateway.upstream.script(resetAfter(start + word));
    const reading = readStream(await begin(token));
    expect(await reading.rest()).toBe('broken');
    const [, event = ''] = reading.text().split(word);
    const [, data = ''] = /^event: error\ndata: (.*)\n\n$/.exec(event) ?? [];
    expect(JSON.parse(data)).toMatchObject({
      type: 'error',
      error: { type: 'api_error', code: 'upstream_error', message: expect.stringMatching(/broke off/) },
      request_id: expect.any(String),
    });
  });

  it("with Anthropic's own error inside ends as the upstream ended it, and is an error", async () => {
    const token = await newToken();
    const error = namedFrame('error', {
      type: 'error',
      error: { type: 'overloaded_error', message: 'Overloaded' },
    });
    gateway.upstream.script(streamFrames([start, word, error]));
    const reading = readStream(await begin(token));
    expect(await reading.rest()).toBe('clean');
    expect(reading.text()).toBe(start + word + error);
    expect(await charged(token)).toMatchObject({ outcome: 'error', input_tokens: 35, output_tokens: 10 });
  });

  it('with an error that no client of Anthropic would notice is told again in its shape', async () => {
    const token = await newToken();
    gateway.upstream.script(streamFrames([start, 'data:{"error":{"message":"Failed to execute chat"}}\n\n']));
    const reading = readStream(await begin(token));
    expect(await reading.rest()).toBe('broken');
    expect(reading.text()).toMatch(/event: error\ndata: \{"type":"error"/);
  });
});

describe("an error is in Anthropic's shape", () => {
  const upstreams: [string, Script, number, string, string][] = [
    ['401', respond(401, json, '{}'), 502, 'api_error', 'upstream_auth_failed'],
    ['403 HTML', wafPage(), 400, 'invalid_request_error', 'upstream_blocked'],
    ['429', respond(429, json, '{}'), 429, 'rate_limit_error', 'upstream_rate_limited'],
    ['500', respond(500, json, '{"error":"Failed"}'), 502, 'api_error', 'upstream_error'],
    [
      '529',
      respond(529, json, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'),
      503,
      'overloaded_error',
      'overloaded',
    ],
    [
      '404',
      respond(404, json, '{"error":{"code":404,"message":"No such thing"}}'),
      404,
      'not_found_error',
      'upstream_error',
    ],
    ['no answer in time', hang(), 504, 'timeout_error', 'upstream_timeout'],
    ['a reset', resetBeforeAnswer(), 502, 'api_error', 'upstream_unreachable'],
  ];

  it.each(upstreams)('of the upstream: %s', async (_, script, status, type, code) => {
    for (const stream of [false, true]) {
      const token = await newToken();
      gateway.upstream.script(script);
      const reply = await send(token, { stream });
      expect(reply.status).toBe(status);
      const requestId = reply.headers.get('request-id');
      expect(reply.json).toMatchObject({ type: 'error', error: { type, code }, request_id: requestId });
      expect(reply.headers.get('x-request-id')).toBe(requestId);
    }
  });

  it("keeps the upstream's words", async () => {
    const body = {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'messages: roles must alternate' },
    };
    gateway.upstream.script(respond(400, json, JSON.stringify(body)));
    const reply = await send(await newToken());
    expect(reply.json).toMatchObject({
      error: { type: 'invalid_request_error', message: 'messages: roles must alternate' },
    });
  });

  it('of a limit: says whose, and when to come back', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'requests', window: 'hour', max: 0 }] });
    const reply = await send(token);
    expect(reply.status).toBe(429);
    expect(reply.json).toMatchObject({
      type: 'error',
      error: { type: 'rate_limit_error', code: 'rate_limit_exceeded', limit: { scope: 'token', max: 0 } },
    });
  });

  it('beside it, with one /v1 too many, and before it reaches the routes', async () => {
    for (const path of ['/v1/messages/batches', '/v1/v1/messages', '/v1/v1/messages/count_tokens']) {
      const reply = await post(`${gateway.url}${path}`, {});
      expect([path, reply.status, reply.json['type']]).toEqual([path, 404, 'error']);
      expect(reply.headers.get('request-id')).toBe(reply.headers.get('x-request-id'));
    }
  });

  it('can be read by pages: the request id is exposed', async () => {
    const reply = await post(
      `${gateway.url}${paths.messages}`,
      {},
      { headers: { origin: 'https://app.example' } },
    );
    expect(reply.headers.get('access-control-expose-headers')?.split(', ')).toContain('request-id');
    expect(reply.headers.get('request-id')).not.toBeNull();
  });
});

describe('tools that run elsewhere', () => {
  const search = { type: 'web_search_20250305', name: 'web_search' };
  const url = 'https://mcp.example.com/sse';
  const servers = [{ type: 'url', url, name: 'web_search' }];

  it('are only for tokens that name them: a server by its URL, whatever it calls itself', async () => {
    const none = await newToken();
    const named = await gateway.issue({ tools: ['web_search'] });
    const server = await gateway.issue({ tools: [url] });
    const status = async (token: IssuedToken, more: object): Promise<number> =>
      (await send(token, more)).status;
    expect(await status(none, { tools: [search] })).toBe(403);
    expect(await status(named, { tools: [search] })).toBe(200);
    // A grant is for what runs, whatever the caller calls it.
    const disguised = { type: 'code_execution_20250825', name: 'web_search' };
    expect(await status(named, { tools: [disguised] })).toBe(403);
    expect(await status(none, { tools: [{ type: 'bash_20250124', name: 'bash' }] })).toBe(200);
    expect(await status(named, { mcp_servers: servers })).toBe(403);
    expect(await status(server, { mcp_servers: servers })).toBe(200);
    const reply = await send(none, { tools: [search] });
    expect(reply.json).toMatchObject({
      type: 'error',
      error: { type: 'permission_error', code: 'tool_not_allowed' },
    });
  });
});
