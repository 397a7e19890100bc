import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, paths, post, type Reply, type Sent } from '../../support/gateway-client.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import { patient, TurnedClock } from '../../support/turned-clock.ts';
import { respond } from '../../support/upstream-scripts.ts';

/* An upstream refuses what the gateway can change: it is changed, sent once more, charged once, and remembered. */

/** Of no catalogue, so that nothing is known of it but what is learned. */
const model = 'claude-opus-9';
const calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }];
const asked = { role: 'user', content: 'What is f?' };
const json = { 'content-type': 'application/json' };

let strict: StandIn;
let gateway: TestGateway;
let token: IssuedToken;
const clock = new TurnedClock();

beforeAll(async () => {
  strict = await startStandIn({ strict: true, listsModels: false });
});
/** A gateway that has learned nothing. */
async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await startGateway({ upstream: strict, clock, env: { ...patient, ...env } });
  token = await gateway.issue({
    limits: [
      { metric: 'requests', window: 'day', max: 1_000 },
      { metric: 'tokens', window: 'day', max: 10_000_000 },
    ],
  });
  strict.requests.length = 0;
}
afterEach(async () => {
  strict.script(null);
  await gateway.close();
});
afterAll(() => strict.close());

type Path = 'chat' | 'messages';
const call = (path: Path, more: object, sent: Sent = {}): Promise<Reply> =>
  post(`${gateway.url}${paths[path]}`, bodies[path]({ model, ...more }), { token: token.text, ...sent });
const bodiesSent = (): Record<string, unknown>[] =>
  strict.requests.map(({ text }) => JSON.parse(text) as Record<string, unknown>);
const refuses = (message: string, status = 400): Script =>
  respond(status, json, JSON.stringify({ error: { code: status, message, type: 'invalid_request_error' } }));

/** Refuses with this message while a body is so; else answers as usual. */
const refusesIf =
  (is: (body: Record<string, unknown>) => boolean, message: string, status = 400): Script =>
  (req, res, body) =>
    is(body as Record<string, unknown>) ? refuses(message, status)(req, res, body) : false;

interface Case {
  name: string;
  path: Path;
  body: object;
  /** Of the second body. */
  sent: object;
  gone?: string[];
  adjusted: string;
  script?: Script;
}

const cases: Case[] = [
  ...[null, '', undefined].map((content) => ({
    name: `content ${JSON.stringify(content)} beside tool calls`,
    path: 'chat' as const,
    body: {
      messages: [
        asked,
        { role: 'assistant', content, tool_calls: calls },
        { role: 'tool', tool_call_id: 'a', content: '1' },
      ],
    },
    sent: { messages: [asked, { role: 'assistant', content: '.', tool_calls: calls }, {}] },
    adjusted: 'messages.content=filled',
  })),
  {
    name: 'a refusal without content',
    path: 'chat',
    body: { messages: [asked, { role: 'assistant', content: null, refusal: 'No.' }, asked] },
    sent: { messages: [asked, { content: 'No.' }, asked] },
    adjusted: 'messages.content=filled',
  },
  {
    name: 'a system message inside messages',
    path: 'messages',
    body: { system: 'Be brief.', messages: [asked, { role: 'system', content: 'Be kind.' }] },
    sent: { system: 'Be brief.\n\nBe kind.', messages: [asked] },
    adjusted: 'messages.system=folded',
  },
  {
    name: 'a field of a newer client',
    path: 'messages',
    body: { context_management: { edits: [] } },
    sent: {},
    gone: ['context_management'],
    adjusted: 'context_management',
  },
  {
    name: 'fields that Heroku does not know',
    path: 'chat',
    body: { store: false, verbosity: 'low' },
    sent: {},
    gone: ['store', 'verbosity'],
    adjusted: 'store, verbosity',
  },
  {
    name: 'a field inside tools',
    path: 'chat',
    body: { tools: [{ type: 'function', function: { name: 'f', strict: true, parameters: { strict: 1 } } }] },
    sent: { tools: [{ type: 'function', function: { name: 'f', parameters: { strict: 1 } } }] },
    adjusted: 'tools.*.function.strict',
    script: refusesIf(
      ({ tools }) => JSON.stringify(tools).includes('"strict":true'),
      "Unknown parameter: 'tools[0].function.strict'.",
      422,
    ),
  },
  {
    name: 'too many output tokens',
    path: 'messages',
    body: { max_tokens: 32_000, thinking: { type: 'enabled', budget_tokens: 31_999 } },
    sent: { max_tokens: 8_192, thinking: { type: 'enabled', budget_tokens: 8_191 } },
    adjusted: 'max_tokens=8192, thinking.budget_tokens=8191',
  },
  {
    name: "too many output tokens, in OpenAI's words",
    path: 'chat',
    body: { max_tokens: undefined, max_completion_tokens: 64_000 },
    sent: { max_completion_tokens: 4_096 },
    adjusted: 'max_completion_tokens=4096',
    script: refusesIf(
      (body) => Number(body['max_completion_tokens']) > 4_096,
      'max_completion_tokens is too large: 64000. This model supports at most 4096 completion tokens, whereas you provided 64000.',
    ),
  },
];

describe.each(cases)('$name', ({ path, body, sent, gone = [], adjusted, script = null }) => {
  it.each([false, true])(
    'is changed, sent again, charged once, and remembered; stream: %s',
    async (stream) => {
      await start();
      strict.script(script);
      for (const expected of [2, 3]) {
        const reply = await call(path, { ...body, stream });
        expect({ status: reply.status, text: reply.text.slice(0, 300) }).toMatchObject({ status: 200 });
        expect(reply.headers.get('x-tollgate-adjusted')).toBe(adjusted);
        expect(strict.requests).toHaveLength(expected);
      }
      const [first, ...changed] = bodiesSent();
      for (const each of changed) {
        expect(each).toMatchObject(sent);
        for (const field of gone) expect(each).not.toHaveProperty(field);
      }
      for (const field of gone) expect(first).toHaveProperty(field);
      const entries = await gateway.settled(token.team, 2);
      expect(entries.map(({ outcome, status }) => ({ outcome, status }))).toEqual([
        { outcome: 'ok', status: 200 },
        { outcome: 'ok', status: 200 },
      ]);
      expect(entries[0]).toMatchObject({ input_tokens: entries[1]?.input_tokens, usage: 'reported' });
      expect(await gateway.usage(token.team)).toMatchObject({ requests: 2, errors: 0 });
    },
  );
});

describe('a repair', () => {
  it('follows another, as the upstream names one thing at a time', async () => {
    await start();
    const body = {
      max_tokens: 32_000,
      context_management: {},
      output_config: { effort: 'high' },
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }] },
        asked,
      ],
    };
    for (const expected of [5, 6]) {
      const reply = await call('messages', body);
      expect(reply.status).toBe(200);
      expect(reply.headers.get('x-tollgate-adjusted')).toBe(
        'context_management, output_config, messages.system=folded, max_tokens=8192',
      );
      expect(strict.requests).toHaveLength(expected);
    }
    expect(bodiesSent().at(-1)).toEqual({
      model,
      max_tokens: 8_192,
      system: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }],
      messages: [asked],
    });
    await gateway.settled(token.team, 2);
    expect(await gateway.usage(token.team)).toMatchObject({ requests: 2 });
  });

  it('that does not help is made once, and not remembered', async () => {
    await start();
    strict.script(refuses('Unknown field: store'));
    for (const expected of [2, 4]) {
      const reply = await call('chat', { store: true });
      expect(reply.status).toBe(400);
      expect(errorOf(reply)).toMatchObject({ code: 'upstream_error', message: 'Unknown field: store' });
      expect(strict.requests).toHaveLength(expected);
    }
    expect(await gateway.settled(token.team, 2)).toMatchObject([
      { outcome: 'error', status: 400, input_tokens: 0, output_tokens: 0 },
      { outcome: 'error', status: 400, input_tokens: 0, output_tokens: 0 },
    ]);
    expect(await gateway.usage(token.team)).toMatchObject({ requests: 2, errors: 2 });
  });

  it.each([
    ['says nothing of that', 'Prompt is too long'],
    ['names a field that is needed', 'tools: Extra inputs are not permitted'],
    ['names a field that was not sent', 'Unknown field: verbosity'],
    [
      'speaks of an input that is too long',
      'input length and `max_tokens` exceed context limit: 199000 + 50 > 199000',
    ],
  ])('is not made if the upstream %s', async (_, message) => {
    await start();
    strict.script(refuses(message));
    const reply = await call('chat', { tools: [{ type: 'function', function: { name: 'f' } }] });
    expect(reply.status).toBe(400);
    expect(errorOf(reply).message).toBe(message);
    expect(reply.headers.get('x-tollgate-adjusted')).toBeNull();
    expect(strict.requests).toHaveLength(1);
  });

  it('is made with one attempt in all, since it is no other attempt', async () => {
    await start({ UPSTREAM_ATTEMPTS: '1' });
    expect((await call('chat', { store: true })).status).toBe(200);
  });

  it('is remembered for the model and the endpoint alone, and for a day', async () => {
    await start();
    await call('messages', { context_management: {} });
    strict.requests.length = 0;
    await call('messages', { context_management: {}, model: 'claude-opus-8' });
    expect(strict.requests).toHaveLength(2);
    await call('messages', { context_management: {} });
    expect(strict.requests).toHaveLength(3);
    clock.aheadMs += 86_400_000;
    await call('messages', { context_management: {} });
    expect(strict.requests).toHaveLength(5);
  });

  it('is remembered for the betas it was made with: another caller may be allowed what one is not', async () => {
    await start();
    strict.script((req, res, body) => {
      const mayHave = req.headers['anthropic-beta'] === 'context-management-2026';
      const has = (body as object) && 'context_management' in (body as object);
      if (has && !mayHave)
        return refuses('context_management: Extra inputs are not permitted')(req, res, body);
      res
        .writeHead(200, json)
        .end('{"type":"message","content":[],"usage":{"input_tokens":1,"output_tokens":1}}');
      return true;
    });
    expect(
      (await call('messages', { context_management: {} })).headers.get('x-tollgate-adjusted'),
    ).not.toBeNull();
    const allowed = await call(
      'messages',
      { context_management: {} },
      { headers: { 'anthropic-beta': 'context-management-2026' } },
    );
    expect(allowed.headers.get('x-tollgate-adjusted')).toBeNull();
    expect(bodiesSent().at(-1)).toHaveProperty('context_management');
  });

  it("is not remembered if the words may be the caller's own", async () => {
    await start();
    const words = 'unknown field: reasoning_effort';
    const script = refusesIf((body) => body['reasoning_effort'] === words, `No such effort: ${words}`);
    strict.script(script);
    expect((await call('chat', { reasoning_effort: words })).status).toBe(200);
    const other = await call('chat', { reasoning_effort: 'high' });
    expect(other.headers.get('x-tollgate-adjusted')).toBeNull();
    expect(bodiesSent().at(-1)).toMatchObject({ reasoning_effort: 'high' });
  });

  it('leaves every number of the rest as it came', async () => {
    await start();
    const text = `{"model":"${model}","max_tokens":9,"store":true,"metadata":{"id":2512292042121000001},"messages":[{"role":"user","content":"a"}]}`;
    await post(`${gateway.url}${paths.chat}`, text, { token: token.text });
    expect(strict.requests.at(-1)?.text).toBe(text.replace('"store":true,', ''));
  });

  it('counts in the metrics as an attempt that was given up, and is in the log once', async () => {
    await start();
    await call('chat', { store: true });
    await call('chat', { store: true });
    const { text } = await (async () => {
      const reply = await fetch(`${gateway.url}/metrics`, {
        headers: { authorization: `Bearer ${gateway.adminKey}` },
      });
      return { text: await reply.text() };
    })();
    const givenUp =
      /tollgate_upstream_attempts_given_up_total\{attachment="INFERENCE",cause="refused",.*\} 1$/m;
    expect(text).toMatch(givenUp);
    expect(gateway.log().split('"change":"drop store"')).toHaveLength(2);
  });

  it('ends with its caller', async () => {
    await start();
    const leaving = new AbortController();
    strict.script((req, res, body) => {
      if (body !== null && typeof body === 'object' && 'store' in body)
        return refuses('Unknown field: store')(req, res, body);
      leaving.abort();
      return true; // hangs
    });
    await expect(call('chat', { store: true }, { signal: leaving.signal })).rejects.toThrow();
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ outcome: 'aborted', usage: 'estimated' });
    await strict.waitFor(({ open }) => open === 0);
  });

  it('is not made for an error that breaks off, or is endless', async () => {
    await start();
    strict.script((_req, res) => {
      res.writeHead(400, { ...json, 'content-length': '1000' });
      res.write('{"error":{"message":"Unknown field: store"}', () => res.socket?.destroySoon());
      return true;
    });
    expect((await call('chat', { store: true })).status).toBe(502);
    expect(strict.requests).toHaveLength(1);
    strict.script(
      respond(
        400,
        json,
        JSON.stringify({ error: { message: `Unknown field: store ${'x'.repeat(100_000)}` } }),
      ),
    );
    expect((await call('chat', { store: true })).status).toBeGreaterThanOrEqual(400);
    expect(strict.requests).toHaveLength(2);
  });
});

describe('the catalogue', () => {
  let folder: string;
  afterEach(() => rm(folder, { recursive: true }));

  async function startWith(models: object): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), 'tollgate-models-'));
    const file = join(folder, 'models.json');
    await writeFile(file, JSON.stringify({ models }));
    await start({ MODELS_FILE: file });
  }

  it('says which fields to drop: they are never sent', async () => {
    await startWith({ [model]: { kind: 'chat', drop: ['store', 'tools.*.function.strict'] } });
    const tools = [{ type: 'function', function: { name: 'f', strict: true } }];
    const reply = await call('chat', { store: true, tools });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-tollgate-adjusted')).toBe('store, tools.*.function.strict');
    expect(bodiesSent()).toEqual([
      expect.objectContaining({ tools: [{ type: 'function', function: { name: 'f' } }] }),
    ]);
  });

  it.each<[Path, string]>([
    ['chat', 'max_tokens'],
    ['chat', 'max_completion_tokens'],
    ['messages', 'max_tokens'],
  ])('says the bound: on %s, %s over it is lowered, and so is what is reserved', async (path, field) => {
    await startWith({ [model]: { kind: 'chat', max_tokens: 1_000 } });
    const its = await gateway.issue({ limits: [{ metric: 'tokens', window: 'minute', max: 1_500 }] });
    const reply = await call(path, { [field]: 64_000 }, { token: its.text });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-tollgate-adjusted')).toBe(`${field}=1000`);
    expect(bodiesSent()).toMatchObject([{ [field]: 1_000 }]);
    expect((await call(path, { [field]: 1_000 })).headers.get('x-tollgate-adjusted')).toBeNull();
  });

  it('may refuse over its bound instead, in the words that clients act on', async () => {
    await startWith({ [model]: { kind: 'chat', max_tokens: 1_000, over_max: 'refuse' } });
    const words = `max_tokens: 32000 > 1000, which is the maximum allowed number of output tokens for ${model}`;
    for (const path of ['chat', 'messages'] as const) {
      const reply = await call(path, { max_tokens: 32_000 });
      expect(reply.status).toBe(400);
      expect(errorOf(reply)).toMatchObject({
        message: words,
        param: 'max_tokens',
        type: 'invalid_request_error',
      });
    }
    expect(strict.requests).toHaveLength(0);
  });
});

describe('x-tollgate-adjusted', () => {
  it('is there for pages, and on errors', async () => {
    await start();
    strict.script(refuses('Prompt is too long'));
    const origin = 'https://app.example.com';
    const its = await gateway.issue({ origins: [origin] });
    const body = { model: 'claude-4-sonnet', max_tokens: 9_000 };
    const reply = await call('chat', body, { token: its.text, headers: { origin } });
    expect(reply.status).toBe(400);
    expect(reply.headers.get('x-tollgate-adjusted')).toBe('max_tokens=8192');
    expect(reply.headers.get('access-control-expose-headers')).toContain('x-tollgate-adjusted');
  });
});
