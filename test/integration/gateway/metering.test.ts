import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import {
  bodies,
  errorOf,
  get,
  open,
  paths,
  post,
  readStream,
  type Reply,
} from '../../support/gateway-client.ts';
import { respond, streamFrames } from '../../support/upstream-scripts.ts';
import type { Script } from '../../support/stand-in.ts';

/* What is metered is what was used: reports of other gateways, case by case (docs/bug-reports.md). */

const json = { 'content-type': 'application/json' };
const limits: Limit[] = [
  { metric: 'tokens', window: 'day', max: 10_000_000 },
  { metric: 'images', window: 'day', max: 100 },
];
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ standIn: { listsModels: false } });
});
afterEach(() => gateway.upstream.script(null));
afterAll(() => gateway.close());

type Kind = 'chat' | 'messages' | 'embeddings' | 'images' | 'rerank' | 'agents';

interface Made {
  reply: Reply;
  entry: LedgerEntry;
}

/** One call that the upstream answers so, and what it is charged: the entry, and the limits the same. */
async function call(kind: Kind, script: Script, more: object = {}): Promise<Made> {
  const token = await gateway.issue({ team: { limits }, endpoints: [paths[kind]] });
  gateway.upstream.script(script);
  const reply = await post(`${gateway.url}${paths[kind]}`, bodies[kind](more), { token: token.text });
  const [entry] = await gateway.settled(token.team, 1);
  if (!entry) throw new Error('There is no entry.');
  expect(await used(token)).toEqual({
    tokens: entry.input_tokens + entry.output_tokens,
    images: entry.images,
  });
  return { reply, entry };
}

async function used(token: IssuedToken): Promise<Record<string, number>> {
  const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
  const states = me['limits'] as { metric: string; used: number }[];
  return Object.fromEntries(states.map((state) => [state.metric, state.used]));
}

const frame = (data: object | string, name = ''): string =>
  `${name === '' ? '' : `event:${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const word = frame({ id: 'g', choices: [{ index: 0, delta: { content: 'x'.repeat(40) } }] });
const done = frame('[DONE]');
const start = frame(
  { type: 'message_start', message: { content: [], usage: { input_tokens: 35, output_tokens: 1 } } },
  'message_start',
);
const text = frame(
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x'.repeat(40) } },
  'content_block_delta',
);
const stop = frame({ type: 'message_stop' }, 'message_stop');
const herokuDone = 'event:done\ndata:[DONE]\n\n';

const isError = { outcome: 'error', error_code: 'upstream_error' } as const;

describe('an error inside a stream', () => {
  it.each<[string, Kind, string[]]>([
    [
      'beside choices',
      'chat',
      [word, frame({ id: 'g', choices: [], error: { code: 502, message: 'x' } }), done],
    ],
    ['in a named event', 'chat', [word, frame({ type: 'error', error: { message: 'x' } }, 'error'), done]],
    [
      'of a code and a message',
      'chat',
      [word, frame({ code: 500, message: 'Failed to execute chat' }, 'error'), herokuDone],
    ],
    ['without a name', 'chat', [word, frame({ code: 500, message: 'Failed to execute chat' }), done]],
    ['that is a text', 'chat', [word, frame({ choices: [], error: 'x' }), done]],
    ['that is no JSON', 'chat', [word, frame('upstream failed', 'error'), done]],
    [
      'of Anthropic',
      'messages',
      [start, text, frame({ type: 'error', error: { message: 'x' } }, 'error'), stop],
    ],
    [
      'of OpenAI among events of Anthropic',
      'messages',
      [start, text, frame({ error: { message: 'x' } }), stop],
    ],
    ['of an agent', 'agents', [word, frame({ choices: [], error: { message: 'x' } }, 'message'), herokuDone]],
  ])('%s is one: its frames pass, and what was made is charged', async (_, kind, frames) => {
    const { reply, entry } = await call(kind, streamFrames(frames), { stream: true });
    expect(reply.text).toBe(frames.join(''));
    expect(entry).toMatchObject({ ...isError, status: 200, output_tokens: 10, usage: 'estimated' });
    expect(entry.input_tokens).toBeGreaterThan(0);
  });

  it('before any text, with a usage, is charged by that', async () => {
    const failing = { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 }, error: { code: 1 } };
    const { entry } = await call('chat', streamFrames([frame(failing), done]), { stream: true });
    expect(entry).toMatchObject({ ...isError, input_tokens: 7, output_tokens: 3, usage: 'reported' });
  });

  it('is not a word in a text, an argument or a deeper object', async () => {
    const texts = [
      { choices: [{ delta: { content: '{"error":{"code":1}}' } }] },
      { choices: [{ delta: { content: 'error' } }] },
      { choices: [{ delta: { tool_calls: [{ function: { arguments: '{"error":1}' } }] } }] },
      { choices: [{ delta: { tool_calls: [{ function: { arguments: { error: 'x' } } }] } }], error: null },
    ].map((data) => frame(data));
    const { entry } = await call('chat', streamFrames([...texts, done]), { stream: true });
    expect(entry).toMatchObject({ outcome: 'ok', error_code: null });
  });
});

describe('a 2xx that is no answer', () => {
  const bodiesOfNone: [string, string][] = [
    ['an error', '{"error":{"message":"said so","code":500}}'],
    ['an error that is a text', '{"error":"said so"}'],
    ['a code and a message', '{"code":500,"message":"said so"}'],
    ['nothing', ''],
    ['spaces', ' \n'],
    ['null', 'null'],
    ['an empty list', '[]'],
    ['something else than JSON', 'said so'],
    ['half an answer', '{"choices":[{"message":{"content":"x'],
  ];

  it.each(bodiesOfNone)('is a 502, and no output is charged: %s', async (_, body) => {
    const { reply, entry } = await call('chat', respond(200, json, body));
    expect(reply.status).toBe(502);
    expect(errorOf(reply)).toMatchObject({ code: 'upstream_error', type: 'upstream_error' });
    if (body.startsWith('{"error') || body.includes('"message":"')) expect(reply.text).toContain('said so');
    expect(entry).toMatchObject({ ...isError, status: 502, output_tokens: 0 });
  });

  it.each([204, 205])('is a %i', async (status) => {
    const { reply, entry } = await call('chat', respond(status, json));
    expect(reply.status).toBe(502);
    expect(entry).toMatchObject({ ...isError, output_tokens: 0 });
  });

  it.each<[Kind, object]>([
    ['embeddings', { object: 'list', model: 'm', usage: { prompt_tokens: 3 } }],
    ['images', { created: 1 }],
    ['images', { error: { message: 'x' } }],
    ['images', { error: 'x' }],
    ['rerank', { id: 'x', meta: { billed_units: { search_units: 1 } } }],
    ['rerank', { error: 'x' }],
    ['messages', { type: 'message', usage: { output_tokens: 3 } }],
    ['messages', { type: 'error', error: { type: 'api_error', message: 'x' } }],
    ['chat', { object: 'chat.completion', usage: { completion_tokens: 3 } }],
  ])('is one of another endpoint: %s, %j', async (kind, answer) => {
    const { reply, entry } = await call(kind, respond(200, json, JSON.stringify(answer)));
    expect(reply.status).toBe(502);
    expect(entry).toMatchObject({ ...isError, output_tokens: 0, images: 0, search_units: 0 });
  });

  it('is JSON where a stream was asked for, and a stream where it was not', async () => {
    for (const [script, stream] of [
      [respond(200, json, '{"error":{"message":"said so"}}'), true],
      [streamFrames([word, done]), false],
    ] as const) {
      const { reply, entry } = await call('chat', script, { stream });
      expect(reply.status).toBe(502);
      expect(entry).toMatchObject({ ...isError, output_tokens: 0 });
    }
  });

  it('is known also after it has begun', async () => {
    const long = `{"error":{"message":"${'x'.repeat(200_000)}"}}`;
    for (const kind of ['chat', 'images'] as const) {
      const { reply, entry } = await call(kind, respond(200, json, long));
      expect(reply.text).toBe(long);
      expect(entry).toMatchObject({ ...isError, status: 200, output_tokens: 0, images: 0 });
    }
  });
});

describe('a long answer', () => {
  const content = 'x'.repeat(300_000);
  const choices = [{ message: { role: 'assistant', content }, finish_reason: 'stop' }];
  const usage = {
    prompt_tokens: 7,
    details: { a: { b: { c: {} } } },
    completion_tokens: 11,
  };
  const reported = { input_tokens: 7, output_tokens: 11, usage: 'reported' };

  it.each<[string, object, object]>([
    ['without usage', { choices }, { output_tokens: 75_000, usage: 'estimated' }],
    ['with usage after it', { choices, usage }, reported],
    ['with usage before it', { usage, choices }, reported],
  ])('%s', async (_, answer, expected) => {
    const body = JSON.stringify(answer);
    const { reply, entry } = await call('chat', respond(200, json, body));
    expect(reply.text).toBe(body);
    expect(entry).toMatchObject({ outcome: 'ok', ...expected });
  });

  it('in one event of a stream', async () => {
    const events = [frame({ choices: [{ delta: { content: 'x'.repeat(2_000_000) } }], usage }), done];
    const { entry } = await call('chat', streamFrames(events), { stream: true });
    expect(entry).toMatchObject({ outcome: 'ok', ...reported });
    const long = frame({ choices: [{ delta: { content } }] });
    const { entry: other } = await call('chat', streamFrames([long, done]), { stream: true });
    expect(other).toMatchObject({ outcome: 'ok', output_tokens: 75_000 });
  });
});

describe('generated text', () => {
  it.each(['reasoning_content', 'reasoning', 'something_new'])('is what stands in %s', async (field) => {
    const deltas = Array.from({ length: 104 }, () =>
      frame({ choices: [{ delta: { [field]: 'x'.repeat(100) } }] }),
    );
    const { entry } = await call('chat', streamFrames([...deltas, done]), { stream: true });
    expect(entry).toMatchObject({ outcome: 'ok', output_tokens: 2_600, usage: 'estimated' });
  });

  it('is at least a token a delta, also if the caller leaves', async () => {
    const token = await gateway.issue({ team: { limits } });
    const deltas = Array.from({ length: 23 }, () => frame({ choices: [{ delta: { content: 'x' } }] }));
    gateway.upstream.script(streamFrames(deltas, { end: false }));
    const leaving = new AbortController();
    const body = bodies.chat({ stream: true });
    const { signal } = leaving;
    const reading = readStream(
      await open(`${gateway.url}${paths.chat}`, body, { token: token.text, signal }),
    );
    await reading.until(deltas.join(''));
    leaving.abort();
    expect(await gateway.settled(token.team, 1)).toMatchObject([{ outcome: 'aborted', output_tokens: 23 }]);
  });

  it('of several iterations is their sum', async () => {
    const usage = {
      input_tokens: 23,
      output_tokens: 10,
      iterations: [
        { type: 'compaction', input_tokens: 180, output_tokens: 35 },
        { type: 'message', input_tokens: 23, output_tokens: 10 },
      ],
    };
    const expected = { outcome: 'ok', input_tokens: 203, output_tokens: 45, usage: 'reported' };
    const answer = { type: 'message', content: [{ type: 'text', text: 'x' }], usage };
    expect((await call('messages', respond(200, json, JSON.stringify(answer)))).entry).toMatchObject(
      expected,
    );
    const delta = frame({ type: 'message_delta', delta: {}, usage }, 'message_delta');
    const { entry } = await call('messages', streamFrames([start, text, delta, stop]), { stream: true });
    expect(entry).toMatchObject(expected);
  });
});

describe('images', () => {
  const image = { b64_json: 'aGVsbG8=' };

  it.each<[string, object, object[], number]>([
    ['two asked for, one came', { n: 2 }, [image], 1],
    ['none asked for, four came', {}, [image, image, image, image], 4],
    ['two asked for, none came', { n: 2 }, [], 0],
    ['two asked for, one was held back', { n: 2 }, [image, { b64_json: null, finish_reason: 'filtered' }], 1],
    ['one came as an address', {}, [{ url: 'https://example.com/x.png' }], 1],
    ['two large ones came', {}, [{ b64_json: 'A'.repeat(200_000) }, { b64_json: 'B'.repeat(200_000) }], 2],
  ])('%s', async (_, asked, data, images) => {
    const { reply, entry } = await call(
      'images',
      respond(200, json, JSON.stringify({ created: 1, data })),
      asked,
    );
    expect(reply.status).toBe(200);
    expect(entry).toMatchObject({ outcome: 'ok', images, input_tokens: 0, output_tokens: 0 });
  });
});

describe('frames that are not quite like the others', () => {
  const finish = frame({ choices: [{ delta: {}, finish_reason: 'stop' }] });
  const usage = frame({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 11 } });

  it.each<[string, string, Record<string, string>]>([
    ['a last one without its blank line', word + finish + usage.trimEnd(), {}],
    ['a byte order mark', `\ufeff${word}${usage}${done}`, {}],
    ['carriage returns as line ends', (word + usage + done).replaceAll('\n', '\r'), {}],
    ['no content type', word + usage + done, { 'content-type': '' }],
  ])('%s', async (_, stream, headers) => {
    const script: Script =
      'content-type' in headers
        ? (_req, res) => {
            res.writeHead(200).end(stream);
            return true;
          }
        : streamFrames([stream]);
    const { reply, entry } = await call('chat', script, { stream: true });
    expect(reply.text.replace('\ufeff', '')).toBe(stream.replace('\ufeff', ''));
    expect(reply.headers.get('content-type')).toBe('text/event-stream');
    expect(entry).toMatchObject({ outcome: 'ok', input_tokens: 7, output_tokens: 11 });
  });

  it.each(['', '\ufeff'])('JSON without a content type, after %j', async (mark) => {
    const answer = `${mark}{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":11}}`;
    const { reply, entry } = await call('chat', (_req, res) => {
      res.writeHead(200).end(answer);
      return true;
    });
    expect(reply.bytes.equals(Buffer.from(answer))).toBe(true);
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(entry).toMatchObject({ outcome: 'ok', input_tokens: 7, output_tokens: 11 });
  });
});
