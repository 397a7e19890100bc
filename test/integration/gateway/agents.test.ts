import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import { hang, resetAfter, streamFrames } from '../../support/upstream-scripts.ts';
import { startGateway, type IssuedToken, type NewToken, type TestGateway } from '../../support/gateway.ts';
import {
  bodies,
  errorOf,
  get,
  open,
  paths,
  post,
  read,
  readStream,
  type Reply,
} from '../../support/gateway-client.ts';
import { askSession, mintSession } from '../../support/sessions.ts';

/* `POST /v1/agents/heroku`: tools in someone's app, so nothing without a name; several inferences in one stream. */

const named = { endpoints: [paths.agents] };
const run = (app: string | null, more: object = {}): object => ({
  type: 'heroku_tool',
  name: 'dyno_run_command',
  runtime_params: { ...(app === null ? {} : { target_app_name: app }), ...more },
});
const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../fixtures/streams/agents/${name}.txt`, import.meta.url));

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ env: { STREAM_IDLE_TIMEOUT_MS: '1000' } });
});
afterEach(() => gateway.upstream.script(null));
afterAll(() => gateway.close());

const send = (text: string, more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.agents}`, bodies.agents(more), { token: text });
const codeOf = (reply: Reply): string =>
  `${reply.status} ${reply.status === 200 ? '' : errorOf(reply).code}`.trim();

async function entryOf(token: IssuedToken): Promise<LedgerEntry> {
  const [entry] = await gateway.settled(token.team, 1);
  if (!entry) throw new Error('There is no entry.');
  return entry;
}

describe('the endpoint', () => {
  it('must be named: a token without a list of endpoints may not use it, and is told who can help', async () => {
    const token = await gateway.issue();
    const reply = await send(token.text);
    expect(codeOf(reply)).toBe('403 endpoint_not_allowed');
    expect(errorOf(reply).message).toMatch(/an administrator must name it in the token's endpoints/);
    expect(codeOf(await send((await gateway.issue({ endpoints: [paths.chat] })).text))).toBe(
      '403 endpoint_not_allowed',
    );
    expect((await send((await gateway.issue(named)).text)).status).toBe(200);
  });

  it('must be named for a session too, in its own list and its token’s', async () => {
    const unnamed = await gateway.issue();
    expect(codeOf(await askSession(gateway.url, unnamed.text, named))).toBe('403 endpoint_not_allowed');
    const pinned = { pinned: { endpoint: paths.agents, model: 'claude-3-5-haiku' } };
    expect(codeOf(await askSession(gateway.url, unnamed.text, pinned))).toBe('403 endpoint_not_allowed');
    expect(codeOf(await send((await mintSession(gateway.url, unnamed.text)).token))).toBe(
      '403 endpoint_not_allowed',
    );

    const token = await gateway.issue(named);
    const silent = await send((await mintSession(gateway.url, token.text)).token);
    expect(codeOf(silent)).toBe('403 endpoint_not_allowed');
    expect((await send((await mintSession(gateway.url, token.text, named)).token)).status).toBe(200);
    const page = await mintSession(gateway.url, token.text, pinned);
    const sent = { messages: [{ role: 'user', content: 'Hello' }] };
    expect((await post(`${gateway.url}${paths.agents}`, sent, { token: page.token })).status).toBe(200);
  });
});

describe('its tools', () => {
  const cases: [tools: string[] | undefined, tool: object, admitted: boolean][] = [
    [undefined, run('my-app'), false],
    [[], run('my-app'), false],
    [['dyno_run_command'], run('my-app'), false],
    [['dyno_run_command'], run(null), true],
    [['dyno_run_command@my-app'], run('my-app'), true],
    [['dyno_run_command@my-app'], run('other-app'), false],
    [['dyno_run_command@my-app'], run(null), false],
    [['dyno_run_command@my-app'], { ...run('my-app'), name: 'code_exec_ruby' }, false],
    [['mcp-weather/forecast'], { type: 'mcp', name: 'mcp-weather/forecast' }, true],
    [['mcp-weather/forecast'], { type: 'mcp', name: 'mcp-weather/alerts' }, false],
  ];

  it.each(cases)('with %j: %j is admitted: %s', async (tools, tool, admitted) => {
    const policy: NewToken = tools === undefined ? named : { ...named, tools };
    const token = await gateway.issue(policy);
    const reply = await send(token.text, { tools: [tool] });
    expect(codeOf(reply)).toBe(admitted ? '200' : '403 tool_not_allowed');
    if (tools === undefined) return;
    const session = await mintSession(gateway.url, token.text, { ...named, tools });
    expect((await send(session.token, { tools: [tool] })).status).toBe(reply.status);
    // A session that names none may run none.
    const bare = await mintSession(gateway.url, token.text, named);
    expect(codeOf(await send(bare.token, { tools: [tool] }))).toBe('403 tool_not_allowed');
  });

  it('name their app on chat as well', async () => {
    const chat = (token: IssuedToken): Promise<Reply> =>
      post(`${gateway.url}${paths.chat}`, bodies.chat({ tools: [run('my-app')] }), { token: token.text });
    expect(codeOf(await chat(await gateway.issue({ tools: ['dyno_run_command'] })))).toBe(
      '403 tool_not_allowed',
    );
    expect((await chat(await gateway.issue({ tools: ['dyno_run_command@my-app'] }))).status).toBe(200);
  });
});

describe('its answer', () => {
  it('is a stream whatever the body says, byte for byte, heartbeats and all', async () => {
    const token = await gateway.issue(named);
    gateway.upstream.script(streamFrames([fixture('tools')]));
    const reply = await send(token.text, { stream: false });
    expect(reply.headers.get('content-type')).toBe('text/event-stream');
    expect(reply.bytes).toEqual(fixture('tools'));
    expect(gateway.upstream.requests.at(-1)?.headers.accept).toBe('text/event-stream');
    expect(await entryOf(token)).toMatchObject({ stream: true, outcome: 'ok', endpoint: paths.agents });
  });

  it.each([
    ['tools', 834 + 947, 63 + 24, 'clean'],
    ['broken-off-in-a-tool', 834, 63, 'broken'],
    ['broken-off-after-an-answer', 834 + 947, 63 + 24, 'broken'],
    ['error-inside', 834, 63, 'clean'],
  ] as const)('%s: all its inferences are charged, %i and %i tokens', async (name, input, output, end) => {
    const token = await gateway.issue({
      ...named,
      team: { limits: [{ metric: 'tokens', window: 'day', max: 99_999 }] },
    });
    gateway.upstream.script(
      name === 'broken-off-in-a-tool' ? resetAfter(fixture(name)) : streamFrames([fixture(name)]),
    );
    const answer = await open(`${gateway.url}${paths.agents}`, bodies.agents(), { token: token.text });
    expect(await readStream(answer).rest()).toBe(end);
    expect(await entryOf(token)).toMatchObject({
      input_tokens: input,
      output_tokens: output,
      usage: 'reported',
      outcome: name === 'tools' ? 'ok' : 'error',
    });
    const me = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(me.json).toMatchObject({ limits: [{ used: input + output }] });
  });

  it('left in the middle is charged what went by', async () => {
    const token = await gateway.issue(named);
    gateway.upstream.script(streamFrames([fixture('broken-off-in-a-tool')], { end: false }));
    const leaving = new AbortController();
    const answer = await open(`${gateway.url}${paths.agents}`, bodies.agents(), {
      token: token.text,
      signal: leaving.signal,
    });
    await readStream(answer).until('event:heartbeat');
    leaving.abort();
    expect(await entryOf(token)).toMatchObject({ input_tokens: 834, output_tokens: 63, outcome: 'aborted' });
  });

  it('comes from the stand-in with a call of each tool', async () => {
    const token = await gateway.issue({ ...named, tools: ['dyno_run_command@my-app'] });
    const reply = await send(token.text, { tools: [run('my-app')] });
    expect(reply.text).toContain('"object":"tool.completion"');
    expect(reply.text).toContain('event:heartbeat\n');
    expect(reply.text.endsWith('event:done\ndata:[DONE]\n\n')).toBe(true);
    expect(await entryOf(token)).toMatchObject({ usage: 'reported', outcome: 'ok' });
  });
});

describe('its reservation', () => {
  /** What the limit holds while a request with these tools is under way. */
  async function reserved(
    more: object,
    max = 99_999,
  ): Promise<{ output: number; sent: Record<string, unknown> }> {
    const token = await gateway.issue({
      ...named,
      tools: ['dyno_run_command@my-app'],
      team: { limits: [{ metric: 'tokens', window: 'day', max }] },
    });
    gateway.upstream.script(hang());
    const leaving = new AbortController();
    const before = gateway.upstream.requests.length;
    const answer = open(`${gateway.url}${paths.agents}`, bodies.agents(more), {
      token: token.text,
      signal: leaving.signal,
    });
    await gateway.upstream.waitFor(({ requests }) => requests.length > before);
    const me = await get(`${gateway.url}/v1/me`, { token: token.text });
    leaving.abort();
    await answer.then(read).catch(() => undefined);
    const { text, body } = gateway.upstream.requests.at(-1) ?? { text: '', body: {} };
    const [{ used } = { used: 0 }] = me.json['limits'] as { used: number }[];
    return { output: used - Math.ceil(text.length / 4), sent: body as Record<string, unknown> };
  }

  it('is one inference, and one for each call that a tool may get, ten at most', async () => {
    expect((await reserved({})).output).toBe(50);
    expect((await reserved({ tools: [run('my-app')] })).output).toBe(4 * 50);
    expect((await reserved({ tools: [run('my-app', { max_calls: 1 })] })).output).toBe(2 * 50);
    expect((await reserved({ tools: [run('my-app', { max_calls: 500 })] })).output).toBe(10 * 50);
  });

  it('is written in where the body bounds nothing, in the field that this endpoint has for it', async () => {
    const { sent } = await reserved({ max_tokens_per_inference_request: null });
    expect(sent).toMatchObject({ max_tokens_per_inference_request: 4_096 });
    expect(sent).not.toHaveProperty('max_tokens');
    const tight = await reserved({ max_tokens_per_inference_request: null }, 1_000);
    expect(tight.sent['max_tokens_per_inference_request']).toBeLessThan(1_000);
  });
});
