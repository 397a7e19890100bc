import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/request.ts';
import { answerTo } from '../../../src/demo/answer.ts';
import { chat } from '../../../src/demo/chat.ts';

const context = { id: 'chatcmpl-000001', createdS: 1_700_000_000, wordDelayMs: 3, longAnswers: false };
const hello: JsonObject = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
const weather: JsonObject = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['C', 'F'] }, days: { type: 'integer' } },
    },
  },
};
const said = 'This is a stand-in for Heroku Inference, not a model. You said: Hi';

function jsonOf(body: JsonObject): { status: number; json: unknown } {
  const answer = answerTo(chat, body, context);
  if ('frames' in answer) throw new Error('Expected a plain answer.');
  return answer;
}

function framesOf(body: JsonObject): readonly string[] {
  const answer = answerTo(chat, body, context);
  if (!('frames' in answer)) throw new Error('Expected a stream.');
  return answer.frames;
}

describe('a chat completion', () => {
  it('is longer if that is wanted, and counts the messages of its visitor', () => {
    const turns = ['system', 'user', 'assistant', 'user'];
    const body = { ...hello, messages: turns.map((role) => ({ role, content: 'Hi' })) };
    const answer = answerTo(chat, body, { ...context, longAnswers: true });
    expect(JSON.stringify(answer)).toMatch(/You said: Hi That was message 2 of this conversation\. .{200}/);
  });

  it('has the shape of the upstream, with usage', () => {
    expect(jsonOf(hello)).toEqual({
      status: 200,
      json: {
        id: 'chatcmpl-000001',
        object: 'chat.completion',
        created: 1_700_000_000,
        model: 'm',
        system_fingerprint: 'heroku-inf-stand-in',
        choices: [
          { index: 0, message: { role: 'assistant', content: said, refusal: null }, finish_reason: 'stop' },
        ],
        usage: { prompt_tokens: 1, completion_tokens: 17, total_tokens: 18 },
      },
    });
  });

  it.each(['max_tokens', 'max_completion_tokens'])('keeps within %s', (name) => {
    expect(jsonOf({ ...hello, [name]: 2 }).json).toMatchObject({
      choices: [{ message: { content: 'This is ' }, finish_reason: 'length' }],
      usage: { completion_tokens: 2 },
    });
  });

  it('hears the parts of a message', () => {
    const content = [
      { type: 'text', text: 'one' },
      { type: 'image_url', image_url: { url: 'data:,' } },
      { type: 'text', text: 'two' },
    ];
    expect(jsonOf({ model: 'm', messages: [{ role: 'user', content }] }).json).toMatchObject({
      choices: [{ message: { content: expect.stringContaining('You said: one two') } }],
    });
  });
});

describe('a chat stream', () => {
  it("is Heroku's, byte for byte", () => {
    const head =
      '"id":"chatcmpl-000001","object":"chat.completion.chunk","created":1700000000,"model":"m","system_fingerprint":"heroku-inf-stand-in"';
    const none = '"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}';
    expect(framesOf({ ...hello, stream: true, max_tokens: 2 }).join('')).toBe(
      `event:message\ndata:{${head},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":""}],${none}}\n\n` +
        `event:message\ndata:{${head},"choices":[{"index":0,"delta":{"content":"This"},"finish_reason":""}],${none}}\n\n` +
        `event:message\ndata:{${head},"choices":[{"index":0,"delta":{"content":" is "},"finish_reason":""}],${none}}\n\n` +
        `event:message\ndata:{${head},"choices":[{"index":0,"delta":{},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n` +
        'event:done\ndata:[DONE]\n\n',
    );
  });

  it('says word by word what the plain answer says', () => {
    const frames = framesOf({ ...hello, stream: true });
    const words = frames.flatMap((frame) => /"delta":\{"content":"([^"]*)"/.exec(frame)?.[1] ?? []);
    expect(words.join('')).toBe(said);
    expect(words).toHaveLength(said.split(' ').length);
  });

  it('carries a tool call', () => {
    const frames = framesOf({ ...hello, stream: true, tools: [weather] });
    expect(frames).toHaveLength(4);
    expect(frames[1]).toContain('"tool_calls":[{"index":0,"id":"call_get_weather_1","type":"function"');
    expect(frames[2]).toContain('"finish_reason":"tool_calls"');
  });
});

describe('tools', () => {
  const called = { choices: [{ message: { content: '' }, finish_reason: 'tool_calls' }] };

  it("are called by a user's message: the first, with arguments its schema allows", () => {
    const { json } = jsonOf({
      ...hello,
      tools: [weather, { type: 'function', function: { name: 'other' } }],
    });
    expect(json).toMatchObject(called);
    expect(json).toHaveProperty('choices.0.message.tool_calls', [
      {
        id: 'call_get_weather_1',
        type: 'function',
        function: { name: 'get_weather', arguments: '{"city":"example","unit":"C","days":1}' },
      },
    ]);
  });

  it('are chosen by tool_choice', () => {
    const tools = [weather, { type: 'function', function: { name: 'other' } }];
    const choice = { type: 'function', function: { name: 'other' } };
    expect(jsonOf({ ...hello, tools, tool_choice: choice }).json).toHaveProperty(
      'choices.0.message.tool_calls.0.function',
      { name: 'other', arguments: '{}' },
    );
  });

  it('are all called that the message names, if it names several', () => {
    const tools = ['get_weather', 'get_time', 'other'].map((name) => ({
      type: 'function',
      function: { name },
    }));
    const messages = [{ role: 'user', content: 'Use get_time and get_weather.' }];
    const several = { ...hello, messages, tools };
    expect(jsonOf(several).json).toMatchObject({
      choices: [
        {
          message: { tool_calls: [{ id: 'call_get_weather_1' }, { id: 'call_get_time_2' }] },
          finish_reason: 'tool_calls',
        },
      ],
    });
    const frames = framesOf({ ...several, stream: true });
    expect(frames[2]).toContain('"tool_calls":[{"index":1,"id":"call_get_time_2"');
    expect(jsonOf({ ...several, parallel_tool_calls: false }).json).toHaveProperty(
      'choices.0.message.tool_calls.length',
      1,
    );
  });

  it.each([
    ['after a tool message', { messages: [{ role: 'tool', tool_call_id: 'c', content: 'rain' }] }],
    ['with tool_choice none', { tool_choice: 'none' }],
    ['without tools', { tools: [] }],
  ])('are not called %s', (_, change) => {
    expect(jsonOf({ ...hello, tools: [weather], ...change }).json).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
    });
  });
});

describe('thoughts', () => {
  const thinking = 'I do not think. I say what I heard.';

  it.each<[string, JsonObject]>([
    ['an effort', { reasoning_effort: 'low' }],
    ['extended thinking', { extended_thinking: { enabled: true, budget_tokens: 1_024 } }],
  ])('come before the words with %s', (_, more) => {
    expect(jsonOf({ ...hello, ...more }).json).toHaveProperty('choices.0.message.reasoning', { thinking });
    const frames = framesOf({ ...hello, ...more, stream: true });
    expect(frames[1]).toContain('"delta":{"reasoning":{"thinking":"I"}}');
    expect(frames[10]).toContain('"delta":{"content":"This"}');
  });

  it.each<[string, JsonObject]>([
    ['none', {}],
    ['no effort', { reasoning_effort: 'none' }],
    ['thinking that stays hidden', { extended_thinking: { enabled: true, include_reasoning: false } }],
  ])('do not come with %s', (_, more) => {
    expect(jsonOf({ ...hello, ...more }).json).not.toHaveProperty('choices.0.message.reasoning');
  });
});

it('says JSON that fits a schema', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } } };
  const format = { type: 'json_schema', json_schema: { name: 'place', schema } };
  expect(jsonOf({ ...hello, response_format: format }).json).toHaveProperty(
    'choices.0.message.content',
    '{"city":"example"}',
  );
});

describe('a bad chat request', () => {
  it.each<[string, JsonObject, string]>([
    ['no model', { messages: [] }, 'Missing required parameter: model'],
    ['no messages', { model: 'm' }, 'Missing required parameter: messages'],
    ['empty messages', { model: 'm', messages: [] }, 'messages: expected at least one message'],
    ['unknown fields', { ...hello, store: true, foo: 1 }, 'Unsupported parameter: store, foo'],
  ])('with %s is refused in the documented shape', (_, body, message) => {
    expect(jsonOf(body)).toEqual({
      status: 400,
      json: { error: { code: 400, message, type: 'invalid_request_error' } },
    });
  });

  it('may have unknown fields with allow_ignored_params', () => {
    expect(jsonOf({ ...hello, foo: 1, allow_ignored_params: true }).status).toBe(200);
    expect(jsonOf({ ...hello, foo: 1, allow_ignored_params: false }).status).toBe(400);
  });
});
