import { describe, expect, it } from 'vitest';
import { ExactNumber } from '../../../../src/base/exact-number.ts';
import { Refusal } from '../../../../src/base/refusal.ts';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { chat } from '../../../../src/validation/endpoints/chat.ts';
import { responses } from '../../../../src/validation/endpoints/responses.ts';
import { accepted, params, refused } from '../verdict.ts';

const minimal = { model: 'm', input: 'Hi' };
const messages = [{ role: 'user', content: 'Hi' }];

function request(body: JsonObject): ReturnType<typeof accepted> {
  return accepted(responses, { ...minimal, ...body });
}

function repeated(body: JsonObject): unknown {
  const text = Buffer.from(request(body).translation?.repeated ?? '', 'latin1').toString();
  return JSON.parse(`{${text}}`);
}

describe('POST /v1/responses', () => {
  it('is sent as a chat', () => {
    expect(request({})).toMatchObject({
      endpoint: responses,
      model: 'm',
      stream: false,
      outputBound: null,
      choices: 1,
      body: { model: 'm', messages },
    });
    expect(responses.sentAs).toBe(chat);
  });

  it('has the fields of the chat by their names there', () => {
    const { body, outputBound, stream, adjusted } = request({
      stream: true,
      max_output_tokens: 500,
      temperature: 0.5,
      top_p: 0.9,
      reasoning: { effort: 'high', summary: 'auto' },
      text: {
        format: { type: 'json_schema', name: 'n', schema: { a: 1 }, strict: true },
        verbosity: 'medium',
      },
    });
    expect(body).toEqual({
      model: 'm',
      stream: true,
      temperature: 0.5,
      top_p: 0.9,
      messages,
      max_tokens: 500,
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { a: 1 }, strict: true } },
      reasoning_effort: 'high',
    });
    expect([outputBound, stream, adjusted]).toEqual([500, true, undefined]);
  });

  it('takes what clients send and a chat has no use for', () => {
    const { body, adjusted } = request({
      store: true,
      include: ['reasoning.encrypted_content'],
      truncation: 'auto',
      stream_options: { include_obfuscation: false },
      prompt_cache_key: 'k',
      prompt_cache_retention: '24h',
      safety_identifier: 's',
      client_metadata: { a: 'b' },
      metadata: { a: 'b' },
      service_tier: 'auto',
      top_logprobs: 0,
      text: {},
      reasoning: { effort: null, summary: 'auto' },
      tools: [],
      previous_response_id: null,
      conversation: null,
      prompt: null,
      background: false,
      max_output_tokens: null,
    });
    expect(body).toEqual({ model: 'm', messages });
    expect(adjusted).toBeUndefined();
  });

  it('says what of the answer will be missing', () => {
    const { body, adjusted } = request({
      service_tier: 'priority',
      max_tool_calls: 3,
      top_logprobs: 2,
      context_management: [{ type: 'compaction' }],
      text: { verbosity: 'low', tone: 'kind', format: { type: 'json_object', x: 1 } },
      reasoning: { context: 'all' },
    });
    expect(body).toEqual({ model: 'm', messages, response_format: { type: 'json_object' } });
    expect(adjusted).toEqual([
      'text.tone',
      'text.verbosity',
      'text.format.x',
      'reasoning.context',
      'service_tier',
      'max_tool_calls',
      'top_logprobs',
      'context_management',
    ]);
  });

  it('has what only Heroku’s chat has, checked as there', () => {
    const thinking = { enabled: true, budget_tokens: 2_048 };
    const more = {
      extended_thinking: thinking,
      stop: ['x'],
      top_k: 3,
      seed: 1,
      user: 'u',
      x_new: { a: [1] },
    };
    expect(request(more)).toMatchObject({ body: { ...more, messages }, thinkingTokens: 2_048 });
    expect(params(responses, { ...minimal, stop: [1], top_k: -1, temperature: 2 })).toEqual([
      'temperature',
      'top_k',
      'stop.0',
    ]);
    expect(params(responses, { ...minimal, extended_thinking: thinking, temperature: 0.5 })).toEqual([
      'temperature',
    ]);
  });

  it.each<[string, JsonValue, RegExp]>([
    ['previous_response_id', 'resp_1', /send all items in input/],
    ['conversation', { id: 'conv_1' }, /send all items in input/],
    ['prompt', { id: 'pmpt_1' }, /send instructions and input/],
    ['background', true, /set stream/],
    ['messages', messages, /write input/],
    ['max_tokens', 5, /write max_output_tokens/],
    ['max_completion_tokens', 5, /write max_output_tokens/],
    ['response_format', {}, /write text\.format/],
    ['reasoning_effort', 'low', /write reasoning\.effort/],
    ['n', 2, /one answer/],
    ['functions', [], /write tools/],
    ['Messages', messages, /write messages/],
    ['max_tokens\u0000', 5, /write max_tokens/],
    ['ＭＥＳＳＡＧＥＳ', messages, /write messages/],
    ['Input', 'x', /write input/],
    ['max_output_tokens', 0, /from 1 to 1000000/],
    ['max_output_tokens', 2_000_000, /from 1 to 1000000/],
    ['instructions', ['x'], /must be a string/],
    ['temperature', 1.5, /from 0 to 1/],
    ['stream', 'true', /must be true or false/],
    ['store', 'no', /must be true or false/],
    ['input', new ExactNumber('1.0'), /must be an array/],
  ])('%s: %j is refused with the remedy', (field, value, message) => {
    const refusal = refused(responses, { ...minimal, [field]: value });
    expect(refusal.code).toBe('invalid_body');
    expect(refusal.details.param).toBe(field);
    expect(refusal.message).toMatch(message);
  });

  it('refuses a format that is none', () => {
    const format = (value: JsonValue): readonly string[] =>
      params(responses, { ...minimal, text: { format: value } });
    expect(format('json')).toEqual(['text.format']);
    expect(format({ type: 'xml' })).toEqual(['text.format.type']);
    expect(format({ type: 'json_schema' })).toEqual(['text.format.schema']);
    expect(params(responses, { ...minimal, text: 'x' })).toEqual(['text']);
    expect(params(responses, { ...minimal, reasoning: 'high' })).toEqual(['reasoning']);
  });

  it('names the model’s bound by the caller’s field', () => {
    const refusal = responses.validate({ ...minimal, max_output_tokens: 5_000 }, () => 4_096);
    expect(refusal).toMatchObject({
      details: { param: 'max_output_tokens' },
      message: 'max_output_tokens: 5000 > 4096, which is the maximum allowed number of output tokens for m',
    });
  });

  it('reports all problems', () => {
    const body = { input: [{}], tools: [{ type: 'function' }], background: true, n: 1 };
    expect(params(responses, body)).toEqual(['model', 'background', 'n', 'input.0.type', 'tools.0.name']);
  });

  it('names further models of fields that are not known, for the policy', () => {
    expect(request({ fallback_models: ['other'] }).furtherModels).toEqual(['other']);
  });
});

describe('what the response repeats', () => {
  it('has every field of the specification, with its default', () => {
    expect(repeated({})).toEqual({
      previous_response_id: null,
      instructions: null,
      tools: [],
      tool_choice: 'auto',
      truncation: 'disabled',
      parallel_tool_calls: true,
      text: { format: { type: 'text' } },
      top_p: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      top_logprobs: 0,
      temperature: 1,
      reasoning: { effort: null, summary: null },
      max_output_tokens: null,
      max_tool_calls: null,
      store: false,
      background: false,
      service_tier: 'default',
      metadata: {},
      safety_identifier: null,
      prompt_cache_key: null,
      user: null,
    });
  });

  it('has what was asked for', () => {
    const tools = [
      { type: 'function', name: 'f', parameters: { type: 'object' } },
      { type: 'custom', name: 'g', format: { type: 'text' } },
      {
        type: 'namespace',
        name: 'n',
        description: 'd',
        tools: [{ type: 'function', name: 'h', strict: true }],
      },
    ];
    const choice = { type: 'allowed_tools', tools: [{ type: 'function', name: 'f' }] };
    expect(
      repeated({
        instructions: 'Sei kurz. „€“ 😀 \\ud83d',
        tools,
        tool_choice: choice,
        parallel_tool_calls: false,
        temperature: 0,
        text: { format: { type: 'json_schema', schema: { a: 1 } }, verbosity: 'low' },
        reasoning: { effort: 'low' },
        metadata: { id: new ExactNumber('2512292042121000001') },
        store: true,
        truncation: 'auto',
      }),
    ).toMatchObject({
      instructions: 'Sei kurz. „€“ 😀 \\ud83d',
      tools: [
        { type: 'function', name: 'f', description: null, parameters: { type: 'object' }, strict: null },
        { type: 'custom', name: 'g', description: null, format: { type: 'text' } },
        {
          type: 'namespace',
          name: 'n',
          description: 'd',
          tools: [{ type: 'function', name: 'h', description: null, parameters: null, strict: true }],
        },
      ],
      tool_choice: { ...choice, mode: 'auto' },
      parallel_tool_calls: false,
      temperature: 0,
      text: {
        format: { type: 'json_schema', name: 'response', description: null, schema: { a: 1 }, strict: false },
        verbosity: 'low',
      },
      reasoning: { effort: 'low', summary: null },
      store: false,
      truncation: 'disabled',
    });
  });

  it('is nothing that a session has pinned', () => {
    const pinned = {
      instructions: 'Secret.',
      tools: [{ type: 'custom', name: 'hidden' }],
      metadata: { secret: 1 },
      temperature: 0.25,
    };
    const sent = { ...minimal, reasoning: { effort: 'low' } };
    const verdict = responses.validate({ ...sent, ...pinned }, () => null, sent);
    if (verdict instanceof Refusal) throw new Error(verdict.message);
    expect(verdict.body).toMatchObject({ temperature: 0.25 });
    expect(verdict.translation?.customTools).toEqual(new Set(['hidden']));
    expect(verdict.translation?.repeated).toBe(
      request({ reasoning: { effort: 'low' } }).translation?.repeated,
    );
  });

  it('keeps the digits of numbers', () => {
    const { translation } = request({ metadata: { id: new ExactNumber('2512292042121000001') } });
    expect(translation?.repeated).toContain('"metadata":{"id":2512292042121000001}');
  });
});
