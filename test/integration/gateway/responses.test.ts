import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { isJsonObject, type JsonObject } from '../../../src/base/request.ts';
import { type IssuedToken, models, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { responseProblems } from '../../support/open-responses/checks.ts';
import type { StreamEvent } from '../../support/open-responses/events.ts';
import type { OutputItem, ResponseObject } from '../../support/open-responses/schemas.ts';
import { eventsIn, lastResponseIn, streamProblems } from '../../support/open-responses/stream.ts';

/* `POST /v1/responses`, by the Open Responses specification. The cases of its compliance suite come first. */

let gateway: TestGateway;
let token: IssuedToken;

beforeAll(async () => {
  gateway = await startGateway();
  token = await gateway.issue({ team: { limits: [{ metric: 'tokens', window: 'day', max: 1_000_000 }] } });
});
afterEach(() => gateway.upstream.script(null));
afterAll(() => gateway.close());

const call = (body: object, headers: Record<string, string> = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.responses}`, { model: models.chat, ...body }, { token: token.text, headers });

/** The response of a plain call, which must be right in every part. */
async function respond(body: object): Promise<ResponseObject> {
  const { status, text, json, headers } = await call({ ...body, stream: false });
  expect([status, text]).toEqual([200, expect.any(String)]);
  expect(headers.get('content-type')).toBe('application/json');
  expect(responseProblems(json)).toEqual([]);
  return json as ResponseObject;
}

/** The same of a stream, whose every event must be right. */
async function stream(body: object): Promise<{ events: StreamEvent[]; response: ResponseObject }> {
  const { status, text, headers } = await call({ ...body, stream: true });
  expect([status, text]).toEqual([200, expect.any(String)]);
  expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(streamProblems(text)).toEqual([]);
  return { events: eventsIn(text) as StreamEvent[], response: lastResponseIn(text) as ResponseObject };
}

/** What the upstream was sent last. */
function sent(): JsonObject {
  const body = gateway.upstream.requests.at(-1)?.body;
  if (!isJsonObject(body as JsonObject)) throw new Error('The upstream was sent no object.');
  return body as JsonObject;
}

function textOf({ output }: ResponseObject): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'output_text' ? part.text : part.refusal))
    .join('');
}

const typesOf = (items: readonly OutputItem[]): string[] => items.map(({ type }) => type);
const user = (content: unknown): object => ({ type: 'message', role: 'user', content });

const weather = {
  type: 'function',
  name: 'get_weather',
  description: 'Get the current weather for a location',
  parameters: {
    type: 'object',
    properties: { location: { type: 'string', description: 'The city and state' } },
    required: ['location'],
  },
};
const weatherCall = { name: 'get_weather', arguments: '{"location":"example"}', status: 'completed' };
const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('the compliance suite', () => {
  it('basic-response', async () => {
    const response = await respond({ input: [user('Say hello in exactly 3 words.')] });
    expect(response).toMatchObject({
      status: 'completed',
      output: [{ type: 'message', status: 'completed' }],
    });
    expect(textOf(response)).toContain('You said: Say hello in exactly 3 words.');
  });

  it('streaming-response', async () => {
    const { events, response } = await stream({ input: [user('Count from 1 to 5.')] });
    expect(response.status).toBe('completed');
    const deltas = events.flatMap((event) =>
      event.type === 'response.output_text.delta' ? [event.delta] : [],
    );
    expect(deltas.join('')).toBe(textOf(response));
    expect(deltas.length).toBeGreaterThan(5);
  });

  it('system-prompt', async () => {
    const system = { type: 'message', role: 'system', content: 'You are a pirate.' };
    const response = await respond({ input: [system, user('Say hello.')] });
    expect([response.status, response.output.length]).toEqual(['completed', 1]);
    expect(sent()['messages']).toEqual([
      { role: 'system', content: 'You are a pirate.' },
      { role: 'user', content: 'Say hello.' },
    ]);
  });

  it('tool-calling', async () => {
    const response = await respond({ input: [user("What's the weather like?")], tools: [weather] });
    expect(response.output).toMatchObject([{ type: 'function_call', ...weatherCall }]);
    expect(response.tools).toEqual([{ ...weather, strict: null }]);
  });

  it('tool-calling-streaming', async () => {
    const { events, response } = await stream({ input: "What's the weather like?", tools: [weather] });
    expect(response.output).toMatchObject([{ type: 'function_call', ...weatherCall }]);
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ]);
  });

  it('function-call-roundtrip, with the items in place of previous_response_id', async () => {
    const input = [user('Use the weather tool to get the temperature.')];
    const tool_choice = { type: 'function', name: 'get_weather' };
    const first = await respond({ input, tools: [weather], tool_choice });
    const [called] = first.output;
    if (called?.type !== 'function_call') throw new Error('There is no call.');
    const output = { type: 'function_call_output', call_id: called.call_id, output: '64 degrees and clear' };
    const second = await respond({ input: [...input, ...first.output, output], tools: [weather] });
    expect(typesOf(second.output)).toEqual(['message']);
    expect(textOf(second)).toContain('64 degrees and clear');
    expect(sent()['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ id: called.call_id, function: { name: 'get_weather' } }] },
      { role: 'tool', tool_call_id: called.call_id, content: '64 degrees and clear' },
    ]);
  });

  it('image-input', async () => {
    const content = [
      { type: 'input_text', text: 'What do you see?' },
      { type: 'input_image', image_url: pixel },
    ];
    expect((await respond({ input: [user(content)] })).status).toBe('completed');
    expect(sent()['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What do you see?' },
          { type: 'image_url', image_url: { url: pixel } },
        ],
      },
    ]);
  });

  it('file-input', async () => {
    const file = { filename: 'title.pdf', file_data: 'data:application/pdf;base64,JVBERi0xLjEK' };
    const content = [
      { type: 'input_text', text: 'What is its title?' },
      { type: 'input_file', ...file },
    ];
    expect((await respond({ input: [user(content)] })).status).toBe('completed');
    expect(sent()['messages']).toMatchObject([{ content: [{ type: 'text' }, { type: 'file', file }] }]);
  });

  it('multi-turn', async () => {
    const assistant = { type: 'message', role: 'assistant', content: 'Hello Alice! How can I help?' };
    const response = await respond({
      input: [user('My name is Alice.'), assistant, user('What is my name?')],
    });
    expect(textOf(response)).toContain('What is my name?');
    expect(sent()['messages']).toHaveLength(3);
  });

  it.each<[string, object, string, string]>([
    ['previous-response-id', { previous_response_id: 'resp_1' }, 'invalid_body', 'previous_response_id'],
    [
      'file-search',
      { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] },
      'unsupported_tool',
      'tools.0.type',
    ],
    [
      'offline-web-search',
      { tools: [{ type: 'web_search', external_web_access: false }] },
      'unsupported_tool',
      'tools.0.type',
    ],
  ])('%s is refused: nothing is sent, and the message has a remedy', async (_, more, code, param) => {
    const before = gateway.upstream.requests.length;
    const reply = await call({ input: 'Hello', ...more });
    expect([reply.status, errorOf(reply)]).toEqual([400, expect.objectContaining({ code, param })]);
    expect(errorOf(reply).message).toMatch(/send all items|leave it out/i);
    expect(gateway.upstream.requests.length).toBe(before);
  });
});

describe('a response', () => {
  it('repeats what was asked for, and says what is not done here', async () => {
    const asked = {
      instructions: 'Answer in Norwegian: «æøå».',
      metadata: { page: 'start' },
      temperature: 0.2,
      top_p: 0.9,
      max_output_tokens: 4_000,
      prompt_cache_key: 'start',
      safety_identifier: 'someone',
      parallel_tool_calls: false,
      tool_choice: 'none',
      tools: [weather],
    };
    const given = { store: true, truncation: 'auto', include: ['reasoning.encrypted_content'] };
    const response = await respond({ input: 'Hello', ...asked, ...given });
    const tools = [{ ...weather, strict: null }];
    expect(response).toMatchObject({ ...asked, tools, store: false, truncation: 'disabled' });
    expect(sent()).toMatchObject({
      messages: [
        { role: 'system', content: asked.instructions },
        { role: 'user', content: 'Hello' },
      ],
      max_tokens: 4_000,
    });
    for (const field of ['store', 'metadata', 'truncation', 'include', 'instructions', 'input']) {
      expect(sent()).not.toHaveProperty(field);
    }
  });

  it('has what a model thought before what it says, as a summary', async () => {
    const body = { input: 'Hello', reasoning: { effort: 'low' } };
    const [plain, streamed] = await Promise.all([respond(body), stream(body)]);
    for (const { output } of [plain, streamed.response]) {
      expect(output).toMatchObject([
        { type: 'reasoning', summary: [{ text: 'I do not think. I say what I heard.' }] },
        { type: 'message' },
      ]);
    }
  });

  it('has every call of several, one item each', async () => {
    const time = { type: 'function', name: 'get_time', parameters: { type: 'object', properties: {} } };
    const body = { input: 'Use get_weather and get_time.', tools: [weather, time] };
    const [plain, streamed] = await Promise.all([respond(body), stream(body)]);
    for (const { output } of [plain, streamed.response]) {
      expect(output).toMatchObject([
        { type: 'function_call', ...weatherCall },
        { type: 'function_call', name: 'get_time', arguments: '{}' },
      ]);
    }
  });

  it('has the calls of a custom tool with their text, and takes them back', async () => {
    const tools = [{ type: 'custom', name: 'apply_patch', description: 'Applies a patch' }];
    const [plain, streamed] = await Promise.all([
      respond({ input: 'Hello', tools }),
      stream({ input: 'Hello', tools }),
    ]);
    for (const { output } of [plain, streamed.response]) {
      expect(output).toMatchObject([{ type: 'custom_tool_call', name: 'apply_patch', input: 'example' }]);
    }
    const [called] = plain.output;
    const output = { type: 'custom_tool_call_output', call_id: 'call_apply_patch_1', output: 'Done.' };
    const next = await respond({ input: [user('Hello'), called, output], tools });
    expect(textOf(next)).toContain('Done.');
    expect(sent()['messages']).toMatchObject([
      { role: 'user' },
      { tool_calls: [{ function: { name: 'apply_patch', arguments: '{"input":"example"}' } }] },
      { role: 'tool', content: 'Done.' },
    ]);
  });

  it('keeps to a JSON schema', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const format = { type: 'json_schema', name: 'place', schema, strict: true };
    const response = await respond({ input: 'Where?', text: { format } });
    expect(textOf(response)).toBe('{"city":"example"}');
    expect(response.text).toEqual({ format: { ...format, description: null } });
  });

  it('is incomplete if max_output_tokens cut it', async () => {
    const body = { input: 'Hello', max_output_tokens: 16 };
    const [plain, streamed] = await Promise.all([respond(body), stream(body)]);
    for (const response of [plain, streamed.response]) {
      expect(response).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ type: 'message', status: 'incomplete' }],
      });
    }
  });

  it('is the same, plain and streamed, but for ids and times', async () => {
    const body = { input: 'Hello «æøå» 🙂\n"quoted" \\u00e9', tools: [], reasoning: { effort: 'high' } };
    const [plain, { response }] = await Promise.all([respond(body), stream(body)]);
    const comparable = ({ output, ...rest }: ResponseObject): object => ({
      ...rest,
      id: '',
      created_at: 0,
      completed_at: 0,
      output: output.map((item) => ({ ...item, id: '' })),
    });
    expect(comparable(response)).toEqual(comparable(plain));
    expect(response.id).not.toBe(plain.id);
    expect(textOf(plain)).toContain('Hello «æøå» 🙂 "quoted" \\u00e9');
  });
});

describe('its request', () => {
  it('is one of /v1/responses in the ledger, with the tokens that the answer reports', async () => {
    const own = await gateway.issue({ team: { limits: [{ metric: 'tokens', window: 'day', max: 10_000 }] } });
    const replies = await Promise.all(
      [false, true].map((streams) =>
        post(`${gateway.url}${paths.responses}`, bodies.responses({ stream: streams }), { token: own.text }),
      ),
    );
    const entries = await gateway.settled(own.team, 2);
    for (const { text, json } of replies) {
      const { usage } = (text.startsWith('event:') ? lastResponseIn(text) : json) as ResponseObject;
      expect(entries).toContainEqual(
        expect.objectContaining({
          endpoint: '/v1/responses',
          outcome: 'ok',
          usage: 'reported',
          input_tokens: usage?.input_tokens,
          output_tokens: usage?.output_tokens,
        }),
      );
    }
    const { json: me } = await get(`${gateway.url}/v1/me`, { token: own.text });
    const used = entries.reduce((sum, each) => sum + each.input_tokens + each.output_tokens, 0);
    expect(me['limits']).toMatchObject([{ used }]);
  });

  it('reserves max_output_tokens, and is told by that name how to fit', async () => {
    const own = await gateway.issue({ limits: [{ metric: 'tokens', window: 'day', max: 1_000 }] });
    const ask = (more: object): Promise<Reply> =>
      post(`${gateway.url}${paths.responses}`, bodies.responses(more), { token: own.text });
    const refused = await ask({ max_output_tokens: 4_000 });
    expect([refused.status, errorOf(refused).code]).toEqual([429, 'insufficient_quota']);
    expect(errorOf(refused).message).toMatch(/limit is 1000; lower .*max_output_tokens/);
    const unbounded = await ask({ max_output_tokens: undefined });
    expect(unbounded.json).toMatchObject({ status: 'completed', max_output_tokens: null });
    const bound = Number(sent()['max_tokens']);
    expect(bound).toBeGreaterThan(900);
    expect(bound).toBeLessThan(1_000);
  });

  it('counts against limits that name /v1/responses, and those alone', async () => {
    const limit = (path: string, max: number): Limit => ({
      metric: 'requests',
      window: 'day',
      max,
      endpoints: [path],
    });
    const own = await gateway.issue({ limits: [limit(paths.responses, 1), limit(paths.chat, 0)] });
    const ask = (): Promise<Reply> =>
      post(`${gateway.url}${paths.responses}`, bodies.responses(), { token: own.text });
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 429]);
  });

  it('is answered with its own events, whatever frames a token has for chats', async () => {
    const own = await gateway.issue({ frames: 'openai' });
    const { text } = await post(`${gateway.url}${paths.responses}`, bodies.responses({ stream: true }), {
      token: own.text,
    });
    expect(streamProblems(text)).toEqual([]);
  });

  it('needs /v1/responses in the list of endpoints: that of chats is not enough', async () => {
    const own = await gateway.issue({ endpoints: [paths.chat] });
    const reply = await post(`${gateway.url}${paths.responses}`, bodies.responses(), { token: own.text });
    expect([reply.status, errorOf(reply).code]).toEqual([403, 'endpoint_not_allowed']);
  });

  it('is answered again for the same Idempotency-Key, with the same ids', async () => {
    const headers = { 'idempotency-key': 'a-response-of-mine' };
    for (const streams of [false, true]) {
      const own = { ...headers, 'idempotency-key': `${headers['idempotency-key']}-${streams}` };
      const first = await call({ input: 'Hello', stream: streams }, own);
      const again = await call({ input: 'Hello', stream: streams }, own);
      expect([first.status, again.status]).toEqual([200, 200]);
      expect(again.text).toBe(first.text);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
  });

  it('is of a page too: CORS on answers, errors and streams', async () => {
    const origin = 'https://app.example.com';
    const own = await gateway.issue({ origins: [origin] });
    const from = (body: object): Promise<Reply> =>
      post(`${gateway.url}${paths.responses}`, body, { token: own.text, headers: { origin } });
    const replies = await Promise.all([
      from(bodies.responses()),
      from(bodies.responses({ stream: true })),
      from(bodies.responses({ conversation: 'c' })),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 400]);
    for (const { headers } of replies) expect(headers.get('access-control-allow-origin')).toBe(origin);
  });
});
