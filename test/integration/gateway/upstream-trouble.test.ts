import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Script } from '../../support/stand-in.ts';
import {
  hang,
  jsonStringError,
  resetAfter,
  resetBeforeAnswer,
  respond,
  streamFrames,
  wafPage,
} from '../../support/upstream-scripts.ts';
import { parsedJson } from '../../../src/base/request.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, open, paths, post, readStream, type Reply } from '../../support/gateway-client.ts';
import { within } from '../../support/wait-for.ts';
import { freePort } from '../../support/free-port.ts';
import { connectRaw, requestText } from '../../support/http.ts';

const upstreamTimeoutMs = 400;
const json = { 'content-type': 'application/json' };
const html = { 'content-type': 'text/html' };
const herokus = (status: number, message = 'said so'): string =>
  JSON.stringify({ error: { code: status, message, type: 'some_type' } });

let gateway: TestGateway;
/** The only one to which an upstream is ever too slow. */
let hurried: TestGateway;
let token: IssuedToken;
let hurriedToken: IssuedToken;

beforeAll(async () => {
  gateway = await startGateway({
    env: {
      NOWHERE_URL: `http://127.0.0.1:${await freePort()}`,
      NOWHERE_KEY: 'inf-nowhere',
      NOWHERE_MODEL_ID: 'nowhere',
    },
  });
  token = await gateway.issue();
  hurried = await startGateway({
    upstream: gateway.upstream,
    env: {
      UPSTREAM_TIMEOUT_MS: String(upstreamTimeoutMs),
      STREAM_IDLE_TIMEOUT_MS: String(upstreamTimeoutMs),
    },
  });
  hurriedToken = await hurried.issue();
});

afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await hurried.close();
  await gateway.close();
});

const call = (script: Script | null, more: object = {}): Promise<Reply> => {
  gateway.upstream.script(script);
  return post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token: token.text });
};

const hurriedCall = (script: Script, more: object = {}): Promise<Reply> => {
  gateway.upstream.script(script);
  return post(`${hurried.url}${paths.chat}`, bodies.chat(more), { token: hurriedToken.text });
};

interface Trouble {
  status: number;
  code: string;
  type: string;
  message?: RegExp;
  retry?: 'false' | null;
  retryAfter?: string | null;
  param?: string;
}

const authFailed = {
  status: 502,
  code: 'upstream_auth_failed',
  type: 'upstream_error',
  retry: 'false',
} as const;
const failed = { status: 502, code: 'upstream_error', type: 'upstream_error' } as const;
const unreachable = { status: 502, code: 'upstream_unreachable', type: 'upstream_error' } as const;
const rateLimited = { status: 429, code: 'upstream_rate_limited', type: 'rate_limit_error' } as const;
const own = (status: number): Trouble => ({
  status,
  code: 'upstream_error',
  type: 'invalid_request_error',
  message: /^said so$/,
});

const rows: [string, Script, Trouble][] = [
  ['401 JSON', respond(401, json, herokus(401)), authFailed],
  ['401 HTML', respond(401, html, '<p>'), authFailed],
  ['403 JSON', respond(403, json, herokus(403)), authFailed],
  [
    '403 HTML, of a firewall',
    wafPage(),
    { status: 400, code: 'upstream_blocked', type: 'invalid_request_error', retry: 'false' },
  ],
  ['a reset before the answer', resetBeforeAnswer(), unreachable],
  ['429', respond(429, json, herokus(429)), { ...rateLimited, retryAfter: '1' }],
  [
    '429 with a wait',
    respond(429, { ...json, 'retry-after': '17' }, herokus(429)),
    { ...rateLimited, retryAfter: '17' },
  ],
  [
    '429 with a long wait',
    respond(429, { ...json, 'retry-after': '61' }, herokus(429)),
    { ...rateLimited, retryAfter: '61', retry: 'false' },
  ],
  [
    '429 with a date',
    respond(429, { ...json, 'retry-after': 'Sat, 01 Jan 2000 00:00:00 GMT' }, ''),
    { ...rateLimited, retryAfter: '1' },
  ],
  ...[
    ['IMF-fixdate', 'Wed, 21 Oct 2026 07:38:00 GMT'],
    ['RFC 850', 'Wednesday, 21-Oct-26 07:38:00 GMT'],
    ['asctime', 'Wed Oct 21 07:38:00 2026'],
  ].map(([name = '', date = '']): [string, Script, Trouble] => [
    `429 with a date ahead, by its own clock (${name})`,
    respond(429, { ...json, date: 'Wed, 21 Oct 2026 07:28:00 GMT', 'retry-after': date }, ''),
    { ...rateLimited, retryAfter: '600', retry: 'false' },
  ]),
  [
    '429 with a wait in ms',
    respond(429, { ...json, 'retry-after-ms': '2500' }, ''),
    { ...rateLimited, retryAfter: '3' },
  ],
  [
    '400 JSON with a code and a param',
    respond(
      400,
      json,
      '{"error":{"message":"said so","type":"t","code":"context_length_exceeded","param":"messages"}}',
    ),
    { ...own(400), code: 'context_length_exceeded', param: 'messages' },
  ],
  [
    '500 JSON, its words',
    respond(500, json, herokus(500)),
    { ...failed, message: /It answered 500: said so\./ },
  ],
  [
    '503 in plain text, its words',
    respond(503, { 'content-type': 'text/plain' }, 'upstream connect error'),
    { ...failed, message: /It answered 503: upstream connect error\./ },
  ],
  [
    '529 JSON',
    respond(529, json, herokus(529)),
    { status: 503, code: 'overloaded', type: 'server_error', message: /said so/ },
  ],
  ['400 JSON', respond(400, json, herokus(400)), own(400)],
  ['404 JSON', respond(404, json, herokus(404)), own(404)],
  ['408 JSON', respond(408, json, herokus(408)), own(408)],
  ['422 JSON', respond(422, json, herokus(422)), own(422)],
  ['400, error a JSON string', jsonStringError(400, 'said so'), own(400)],
  ['400 JSON, said to be text', respond(400, { 'content-type': 'text/plain' }, herokus(400)), own(400)],
  ['400 JSON without a message', respond(400, json, '{}'), { ...own(400), message: /.{10}/ }],
  ['400 HTML', respond(400, html, '<p>'), failed],
  ['500 JSON', respond(500, json, herokus(500)), failed],
  ['500, error a JSON string', jsonStringError(), failed],
  ['502 HTML', respond(502, html, '<p>'), failed],
  ['503 JSON', respond(503, json, herokus(503)), failed],
  ['504 JSON', respond(504, json, herokus(504)), failed],
  ['200 HTML', respond(200, html, '<p>'), failed],
  ['200 without a content type', respond(200, {}, '{}'), failed],
  ['204', respond(204), failed],
  ['a redirection', respond(302, { location: 'http://127.0.0.1:1/' }), failed],
];

describe.each([
  ['a plain call', false],
  ['a stream', true],
])('to %s', (_, stream) => {
  it.each(rows)('%s', async (_name, script, expected) => {
    expectTrouble(await call(script, { stream }), expected);
  });

  it('no connection', async () => {
    expectTrouble(await call(null, { stream, model: 'nowhere' }), unreachable);
  });

  it('no answer in time', async () => {
    const startedAt = performance.now();
    const hung = hurriedCall(hang(), { stream });
    expectTrouble(await within(hung, 50 * upstreamTimeoutMs, 'the timeout'), {
      status: 504,
      code: 'upstream_timeout',
      type: 'upstream_error',
    });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(upstreamTimeoutMs / 2);
    await gateway.upstream.waitFor(({ open: left }) => left === 0);
  });

  it('a body of an error that does not end', async () => {
    const endless: Script = (_req, res) => {
      res.writeHead(500, json);
      res.write('{"error":');
      return true;
    };
    const reply = await hurriedCall(endless, { stream });
    expect([502, 504]).toContain(reply.status);
    await gateway.upstream.waitFor(({ open: left }) => left === 0);
  });

  it('a large body of an error', async () => {
    const body = JSON.stringify({ error: { code: 400, message: 'x'.repeat(3_000_000) } });
    const reply = await call(respond(400, json, body), { stream });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.bytes.length).toBeLessThan(5_000);
  });

  it('an error that names our key', async () => {
    const text = herokus(400, `key ${gateway.upstream.key} is not for this`);
    const reply = await call(respond(400, json, text), { stream });
    expect(reply.text).not.toContain(gateway.upstream.key);
    expect(reply.status).toBe(400);
  });

  it('an error that names keys and addresses of the inside', async () => {
    const { url, key } = gateway.upstream;
    const inside = [
      key,
      'inf-of-another',
      'Bearer abc.def',
      url,
      new URL(url).host,
      '10.1.2.3:8080',
      'INFERENCE_KEY',
    ];
    for (const status of [400, 500]) {
      const reply = await call(respond(status, json, herokus(status, `said so: ${inside.join(' | ')} !`)), {
        stream,
      });
      expect(errorOf(reply).message).toContain('said so: *** | ***');
      for (const each of inside) expect(reply.text).not.toContain(each);
    }
  });
});

function expectTrouble(reply: Reply, expected: Trouble): void {
  const { status, code, type, message = /.{10}/, retry = null, retryAfter = null, param = null } = expected;
  const error = errorOf(reply);
  expect({ status: reply.status, code: error.code, type: error.type, param: error.param }).toEqual({
    status,
    code,
    type,
    param,
  });
  expect(error.message).toMatch(message);
  expect(reply.headers.get('x-should-retry')).toBe(retry);
  expect(reply.headers.get('retry-after')).toBe(retryAfter);
  expect(error.request_id).toBe(reply.headers.get('x-request-id'));
}

describe('a plain call', () => {
  it('answered with a stream', async () => {
    expectTrouble(await call(streamFrames([doneFrame])), failed);
  });

  it.each([
    ['of a known length', { ...json, 'content-length': '1000' }],
    ['of no known length', json],
  ])('whose answer breaks off at once, %s', async (_, headers) => {
    expectTrouble(await call(resetAfter('{"choices":', headers)), { ...failed });
  });

  it.each([
    ['of a known length', { ...json, 'content-length': '4000000' }],
    ['of no known length', json],
  ])('whose answer breaks off later, %s: cut, never ended', async (_, headers) => {
    gateway.upstream.script(resetAfter(`{"data":"${'x'.repeat(1_000_000)}`, headers));
    const answer = await open(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
    expect(answer.status).toBe(200);
    expect(await readStream(answer).rest()).toBe('broken');
  });

  it('whose answer stops in the middle: cut once the upstream was silent for too long', async () => {
    gateway.upstream.script((_req, res) => {
      res.writeHead(200, json);
      res.write(`{"data":"${'x'.repeat(1_000_000)}`);
      return true;
    });
    const answer = await open(`${hurried.url}${paths.chat}`, bodies.chat(), { token: hurriedToken.text });
    expect(await readStream(answer).rest()).toBe('broken');
  });
});

describe('a stream', () => {
  const text =
    messageFrame({ choices: [{ delta: { content: 'Hello, ' }, finish_reason: '' }] }) +
    ': a comment\n\n' +
    messageFrame({ choices: [{ delta: { content: 'wörld' }, finish_reason: '' }] }).replaceAll('\n', '\r\n') +
    messageFrame({
      choices: [{ delta: {}, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    }) +
    doneFrame;
  const bytes = Buffer.from(text);
  const endMark = bytes.indexOf('[DONE]\n') + '[DONE]\n'.length;
  const told = /event: error\ndata: (.*)\n\n$/;

  it('answered with JSON', async () => {
    expectTrouble(await call(respond(200, json, '{}'), { stream: true }), failed);
  });

  it('silent for too long in the middle is broken off', async () => {
    gateway.upstream.script(streamFrames([messageFrame({})], { end: false }));
    const reading = readStream(
      await open(`${hurried.url}${paths.chat}`, bodies.chat({ stream: true }), { token: hurriedToken.text }),
    );
    expect(await reading.rest()).toBe('broken');
    const data = JSON.parse(told.exec(reading.text())?.[1] ?? '') as unknown;
    expect(data).toMatchObject({ error: { code: 'upstream_timeout' } });
  });

  it('in which the upstream tells an error itself is passed on untouched, and is no success', async () => {
    const its = await gateway.issue();
    const frames = `${messageFrame({})}data:{"error":{"code":500,"message":"Failed"}}\n\n`;
    gateway.upstream.script(streamFrames([frames]));
    const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
      token: its.text,
    });
    expect(reply.text).toBe(frames);
    expect((await gateway.settled(its.team, 1))[0]).toMatchObject({
      outcome: 'error',
      error_code: 'upstream_error',
    });
  });

  // Every position near an event's edge, and others.
  const positions = Array.from({ length: bytes.length + 1 }, (_, at) => at).filter(
    (at) => at % 11 === 0 || isBoundary(bytes.subarray(0, at)) || isBoundary(bytes.subarray(0, at + 1)),
  );

  it.each(['reset', 'ended too early'])('%s, anywhere: never looks like a success', async (how) => {
    for (const at of positions) {
      const part = bytes.subarray(0, at);
      gateway.upstream.script(how === 'reset' ? resetAfter(part) : streamFrames([part]));
      const raw = await connectRaw(gateway.port);
      raw.send(
        requestText({
          method: 'POST',
          path: paths.chat,
          headers: { authorization: `Bearer ${token.text}`, connection: 'keep-alive' },
          body: JSON.stringify(bodies.chat({ stream: true })),
        }),
      );
      // An end that is told is a success: with the mark, or, where the upstream itself ends, with a finish reason.
      const finished = part.includes('"stop"') && isFinished(part);
      const success = at >= endMark || (how !== 'reset' && finished);
      if (success) await raw.until('0\r\n\r\n');
      else await raw.untilClosed();
      raw.destroy();
      const body = unchunked(raw.received());
      const where = `${how} at ${at}`;
      expect({ where, ended: body.ended }).toEqual({ where, ended: success });
      const rest = body.bytes.subarray(at).toString();
      expect({ where, bytes: body.bytes.subarray(0, at).toString() }).toEqual({
        where,
        bytes: part.toString(),
      });
      // A lone CR ends a line too, so that here it may be told, and need not.
      if (part.toString('latin1').endsWith('\r\n\r')) continue;
      if (success || !isBoundary(part)) expect({ where, rest }).toEqual({ where, rest: '' });
      else expect({ where, rest }).toMatchObject({ rest: expect.stringMatching(told) as unknown });
    }
  });

  it.each([10, bytes.indexOf(': a comment')])('cut at %i is noticed by fetch', async (at) => {
    gateway.upstream.script(resetAfter(bytes.subarray(0, at)));
    const reading = readStream(
      await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), { token: token.text }),
    );
    expect(await reading.rest()).toBe('broken');
  });
});

/** Whether the frame with the finish reason has its blank line, and a last one without has all of its data. */
function isFinished(part: Buffer): boolean {
  const finish = part.indexOf('"stop"');
  if (!part.subarray(finish).includes('\n\n')) return false;
  const last =
    part
      .toString('latin1')
      .split(/\r?\n\r?\n/)
      .at(-1) ?? '';
  const data = last
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5));
  return data.length === 0 || parsedJson(data.join('\n')) !== undefined;
}

function isBoundary(part: Buffer): boolean {
  const text = part.toString('latin1');
  return text === '' || text.endsWith('\n\n') || text.endsWith('\r\n\r\n');
}

/** Undoes `chunked`; tells whether the last chunk, which makes the end a clean one, was there. */
function unchunked(response: Buffer): { bytes: Buffer; ended: boolean } {
  let rest = response.subarray(response.indexOf('\r\n\r\n') + 4);
  const parts: Buffer[] = [];
  for (;;) {
    const line = rest.indexOf('\r\n');
    if (line < 0) return { bytes: Buffer.concat(parts), ended: false };
    const size = Number.parseInt(rest.subarray(0, line).toString('latin1'), 16);
    if (size === 0) return { bytes: Buffer.concat(parts), ended: true };
    parts.push(rest.subarray(line + 2, line + 2 + size));
    rest = rest.subarray(line + 2 + size + 2);
  }
}
