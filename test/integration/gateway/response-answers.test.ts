import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IssuedToken, TestGateway } from '../../support/gateway.ts';
import { startGateway } from '../../support/gateway.ts';
import { bodies, errorOf, open, paths, post, readStream, type Reply } from '../../support/gateway-client.ts';
import { responseProblems } from '../../support/open-responses/checks.ts';
import { lastResponseIn, streamProblems } from '../../support/open-responses/stream.ts';
import { respond, resetAfter, streamFrames } from '../../support/upstream-scripts.ts';
import type { Script } from '../../support/stand-in.ts';

/* Answers of a chat that go out as responses, and what becomes of them if something goes wrong. */

const json = { 'content-type': 'application/json' };
const usage = { prompt_tokens: 14, completion_tokens: 51, total_tokens: 65 };
const chunk = (content: string, more: object = {}): string =>
  `event:message\ndata:${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: '' }], ...more })}\n\n`;
const done = 'event:done\ndata:[DONE]\n\n';
const plain = (content: string): string =>
  JSON.stringify({
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage,
  });

let gateway: TestGateway;
/** One that keeps quiet answers alive soon, and has more memory. */
let lively: TestGateway;
/** What answers a request, by what it says. */
const scripts = new Map<string, Script>();

beforeAll(async () => {
  gateway = await startGateway({ env: { MAX_BODY_BYTES: '20000', BODY_BUDGET_BYTES: '400000' } });
  const { upstream } = gateway;
  lively = await startGateway({ upstream, env: { FIRST_HEARTBEAT_MS: '150', HEARTBEAT_MS: '100' } });
  upstream.script((req, res, body) => {
    for (const [said, script] of scripts)
      if (JSON.stringify(body).includes(said)) return script(req, res, body);
    return false;
  });
});
afterAll(async () => {
  await lively.close();
  await gateway.close();
});

interface Asked {
  token: IssuedToken;
  send: (more?: object) => Promise<Reply>;
  stream: (more?: object) => Promise<Response>;
}

/** A caller of its own, whose request is answered by this script. */
async function asked(script: Script, at = gateway): Promise<Asked> {
  const token = await at.issue();
  scripts.set(token.id, script);
  const url = `${at.url}${paths.responses}`;
  const body = (more: object): object => bodies.responses({ input: token.id, ...more });
  return {
    token,
    send: (more = {}) => post(url, body(more), { token: token.text }),
    stream: (more = {}) => open(url, body({ stream: true, ...more }), { token: token.text }),
  };
}

/** Writes as the test goes on. */
function waiting(): { script: Script; writes: Promise<ServerResponse> } {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  return {
    script: (_req, res) => {
      resolve(res);
      return true;
    },
    writes: promise,
  };
}

describe.concurrent('a response', () => {
  it('streams, is charged as reported, and ends after its settlement', async () => {
    const { token, send } = await asked(streamFrames([chunk('Hel'), chunk('lo', { usage }), done]));
    const { text, headers } = await send({ stream: true });
    expect(headers.get('content-type')).toBe('text/event-stream');
    expect(streamProblems(text)).toEqual([]);
    expect(lastResponseIn(text)).toMatchObject({
      status: 'completed',
      output: [{ content: [{ text: 'Hello' }] }],
    });
    expect(await gateway.settled(token.team, 1)).toMatchObject([
      { endpoint: '/v1/responses', outcome: 'ok', stream: true, input_tokens: 14, output_tokens: 51 },
    ]);
  });

  it('that is plain has the text of the chat, however long it is', async () => {
    const long = 'é"\n'.repeat(40_000);
    const { token, send } = await asked(respond(200, json, plain(long)), lively);
    const { json: response, headers } = await send();
    expect(responseProblems(response)).toEqual([]);
    expect(response).toMatchObject({ status: 'completed', output: [{ content: [{ text: long }] }] });
    expect(headers.get('content-type')).toBe('application/json');
    expect(await lively.settled(token.team, 1)).toMatchObject([{ outcome: 'ok', output_tokens: 51 }]);
  });

  it('gets its first text out while the upstream goes on', async () => {
    const { script, writes } = waiting();
    const { stream } = await asked(script);
    const opened = stream();
    const upstream = await writes;
    upstream.writeHead(200, { 'content-type': 'text/event-stream' });
    upstream.write(chunk('first'));
    const reading = readStream(await opened);
    await reading.until('"delta":"first"');
    upstream.end(chunk('', { usage }) + done);
    expect(await reading.rest()).toBe('clean');
    expect(streamProblems(reading.text())).toEqual([]);
  });

  it('is kept alive by comments before its first event, and between two', async () => {
    const { script, writes } = waiting();
    const { stream } = await asked(script, lively);
    const opened = stream();
    const upstream = await writes;
    const reading = readStream(await opened);
    await reading.until(': keep-alive\n\n');
    upstream.writeHead(200, { 'content-type': 'text/event-stream' });
    upstream.write(chunk('x').slice(0, -9));
    await reading.until(': keep-alive\n\n: keep-alive\n\n');
    upstream.end(chunk('x').slice(-9) + done);
    expect(await reading.rest()).toBe('clean');
    expect(streamProblems(reading.text())).toEqual([]);
  });

  it('that is plain and slow to come begins with blanks', async () => {
    const { script, writes } = waiting();
    const { stream } = await asked(script, lively);
    const opened = stream({ stream: false });
    const upstream = await writes;
    const body = plain('late');
    upstream.writeHead(200, json);
    upstream.write(body.slice(0, 9));
    const reading = readStream(await opened);
    await reading.until('  ');
    upstream.end(body.slice(9));
    expect(await reading.rest()).toBe('clean');
    expect(reading.text()).toMatch(/^ +\{/);
    expect(responseProblems(JSON.parse(reading.text()))).toEqual([]);
  });

  it.each([
    ['between events', chunk('half a')],
    ['inside an event', chunk('half a') + chunk('x').slice(0, 20)],
  ])('that breaks off %s says that it failed, and is cut', async (_, bytes) => {
    const { token, stream } = await asked(resetAfter(bytes));
    const reading = readStream(await stream());
    expect(await reading.rest()).toBe('broken');
    expect(streamProblems(reading.text())).toEqual([]);
    expect(lastResponseIn(reading.text())).toMatchObject({
      status: 'failed',
      error: { code: 'upstream_error' },
      output: [{ status: 'incomplete', content: [{ text: 'half a' }] }],
    });
    expect(await gateway.settled(token.team, 1)).toMatchObject([{ outcome: 'error', usage: 'estimated' }]);
  });

  it('fails as the upstream does inside its stream', async () => {
    const error = 'event:error\ndata:{"error":{"code":500,"message":"Failed to execute chat"}}\n\n';
    const { token, stream } = await asked(streamFrames([chunk('x'), error]));
    const reading = readStream(await stream());
    expect(await reading.rest()).toBe('clean');
    expect(lastResponseIn(reading.text())).toMatchObject({ error: { message: 'Failed to execute chat' } });
    expect(await gateway.settled(token.team, 1)).toMatchObject([
      { outcome: 'error', error_code: 'upstream_error' },
    ]);
  });

  it.each([
    ['an error', 500, '{"error":{"message":"no"}}'],
    ['an error that says it is none', 200, '{"error":{"message":"no"}}'],
    ['no choice', 200, '{"object":"chat.completion","choices":[]}'],
    ['half of one', 200, plain('x').slice(0, 30)],
  ])('is a 502 if the answer is %s', async (_, status, body) => {
    const { send } = await asked(respond(status, json, body));
    expect(errorOf(await send())).toMatchObject({ code: 'upstream_error' });
  });

  it.each([true, false])('is given up if its caller has no room for it (stream: %s)', async (isStream) => {
    const piece = 'x'.repeat(10_000);
    const pieces = Array.from({ length: 24 }, () => chunk(piece));
    const script = isStream ? streamFrames([...pieces, done]) : respond(200, json, plain(piece.repeat(24)));
    const { token, stream, send } = await asked(script);
    if (isStream) {
      const reading = readStream(await stream());
      expect(await reading.rest()).toBe('broken');
      expect(lastResponseIn(reading.text())).toMatchObject({
        status: 'failed',
        error: { code: 'overloaded' },
      });
    } else {
      expect(await send()).toMatchObject({ status: 503 });
    }
    expect(await gateway.settled(token.team, 1)).toMatchObject([
      { outcome: 'error', error_code: 'overloaded' },
    ]);
  });

  it('is charged for what was seen if its caller leaves', async () => {
    const { script, writes } = waiting();
    const { token, stream } = await asked(script);
    const opened = stream();
    const upstream = await writes;
    upstream.writeHead(200, { 'content-type': 'text/event-stream' });
    upstream.write(chunk('0123456789abcdef'));
    const answer = await opened;
    await answer.body?.cancel();
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ outcome: 'aborted', usage: 'estimated', output_tokens: 4 });
  });
});
