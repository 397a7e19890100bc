import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { chat } from '../../../../src/validation/endpoints/chat.ts';
import { accepted, params, problems, times } from '../verdict.ts';

const messages = [{ role: 'user', content: 'Hello!' }];

function body(fields: JsonObject = {}): JsonObject {
  return { model: 'claude-3-5-sonnet', messages, ...fields };
}

function expectAccepted(fields: JsonObject): void {
  expect(accepted(chat, body(fields)).body).toEqual(body(fields));
}

function expectRefused(fields: JsonObject, param: string): void {
  expect(params(chat, body(fields))).toEqual([param]);
}

describe('model', () => {
  it.each(['a', 'x'.repeat(128), 'eu.anthropic:claude/3-5_sonnet.v2'])('%s is accepted', (model) => {
    expect(accepted(chat, body({ model })).model).toBe(model);
  });

  it.each<[string, JsonValue]>([
    ['empty', ''],
    ['129 characters', 'x'.repeat(129)],
    ['spaced', 'a b'],
    ['ending in a line break', 'a\n'],
    ['accented', 'é'],
    ['a number', 1],
    ['null', null],
    ['a list', ['a']],
  ])('%s is refused', (_name, model) => {
    expectRefused({ model }, 'model');
  });

  it('absent is refused, and said to be required', () => {
    expect(problems(chat, { messages })[0]?.message).toMatch(/^model is required and must be .*\.$/);
  });
});

describe('the documented fields', () => {
  const accepts: [string, JsonValue[]][] = [
    ['max_tokens', [1, 4096, null]],
    ['max_completion_tokens', [1, 4096, null]],
    ['stop', ['foo', '', [], ['foo', 'bar'], Array<string>(256).fill('x'), null]],
    ['stream', [true, false, null]],
    ['temperature', [0, 0.5, 1, null]],
    ['top_p', [0, 0.999, 1, null]],
    ['tools', [[], null]],
    ['tool_choice', ['none', 'auto', 'required', null]],
    [
      'extended_thinking',
      [{}, { enabled: false }, { enabled: false, budget_tokens: 0 }, { enabled: true }, null],
    ],
    ['stream_options', [{}, { include_usage: true }, { include_usage: null }, null]],
    ['n', [1, 128, null]],
    ['top_k', [0, 250, null]],
    ['modalities', [['text'], [], null]],
    ['reasoning_effort', ['low', 'high', null]],
    ['parallel_tool_calls', [true, null]],
    ['allow_ignored_params', [true, false, null]],
    ['response_format', [{ type: 'json_object' }, null]],
    ['metadata', [{ a: 'b' }, null]],
    ['user', ['ana', null]],
    ['seed', [0, -1, 9007199254740991, null]],
    ['frequency_penalty', [-2, 0.5, null]],
    ['presence_penalty', [2, null]],
    ['logit_bias', [{ '50256': -100 }, null]],
  ];
  it.each(accepts)('%s accepts what it is documented to hold, and null', (field, values) => {
    for (const value of values) expectAccepted({ [field]: value });
  });

  const refuses: [string, JsonValue[]][] = [
    ['max_tokens', [0, -1, 1.5, '100', true, [1], 4097]],
    ['max_completion_tokens', [0, -1, 1.5, '100', 4097]],
    ['stop', [1, true, {}, Array<string>(257).fill('x')]],
    ['stream', ['true', 1, 0]],
    ['temperature', [-0.01, 1.01, '0.5', false]],
    ['top_p', [-0.01, 1.01, '1']],
    ['tools', ['x', {}, times(513, {})]],
    ['tool_choice', ['any', 'Auto', '', 1, ['auto']]],
    ['extended_thinking', [true, 'on', []]],
    ['stream_options', [true, []]],
    ['n', [0, 129, 1.5, '1']],
    ['top_k', [-1, 0.5, '5']],
    ['modalities', ['text', {}, Array<string>(101).fill('x')]],
    ['reasoning_effort', [1, {}]],
    ['parallel_tool_calls', ['true', 1]],
    ['allow_ignored_params', ['true', 1]],
    ['response_format', ['json', []]],
    ['metadata', ['x', []]],
    ['user', [1, {}]],
    ['seed', [0.5, '1']],
    ['frequency_penalty', ['1', true]],
    ['presence_penalty', ['1', []]],
    ['logit_bias', [[], 'x']],
    ['messages', [null, [], {}, 'hello']],
  ];
  it.each(refuses)('%s refuses other types and values beyond its bounds', (field, values) => {
    for (const value of values) expectRefused({ [field]: value }, field);
  });

  it('name the item of a list that is wrong', () => {
    expectRefused({ stop: ['a', 1] }, 'stop.1');
    expectRefused({ modalities: ['a', 1] }, 'modalities.1');
  });
});

describe('the most a model writes', () => {
  it('is named when more is asked for', () => {
    expect(problems(chat, body({ max_tokens: 4097 }))).toEqual([
      {
        param: 'max_tokens',
        message:
          'max_tokens: 4097 > 4096, which is the maximum allowed number of output tokens for claude-3-5-sonnet',
      },
    ]);
  });

  it('does not bound a model the catalogue does not know', () => {
    expect(accepted(chat, body({ model: 'other', max_tokens: 1_000_000 })).outputBound).toBe(1_000_000);
  });
});

describe('extended_thinking', () => {
  it('needs a budget of at least 1024 where it is enabled', () => {
    expectAccepted({ extended_thinking: { enabled: true, budget_tokens: 1024, include_reasoning: true } });
    expectRefused(
      { extended_thinking: { enabled: true, budget_tokens: 1023 } },
      'extended_thinking.budget_tokens',
    );
    expectRefused(
      { extended_thinking: { enabled: true, budget_tokens: 0 } },
      'extended_thinking.budget_tokens',
    );
    expectAccepted({ extended_thinking: { enabled: false, budget_tokens: 1023 } });
  });

  it.each(['enabled', 'budget_tokens', 'include_reasoning'])('checks the type of %s', (field) => {
    expectRefused({ extended_thinking: { [field]: 'yes' } }, `extended_thinking.${field}`);
  });
});

it('checks inside stream_options', () => {
  expectRefused({ stream_options: { include_usage: 'yes' } }, 'stream_options.include_usage');
});

describe('several problems', () => {
  const broken = { Model: 'x', temperature: 2, messages: [{ role: 'king', content: 1 }] };

  it('are all reported, once a field, the first as param', () => {
    const refusal = chat.validate(broken, () => null);
    expect(params(chat, broken)).toEqual([
      'Model',
      'model',
      'temperature',
      'messages.0.role',
      'messages.0.content',
    ]);
    expect(refusal).toMatchObject({ code: 'invalid_body', status: 400, details: { param: 'Model' } });
  });

  it('are told in a sentence that names field and expectation', () => {
    for (const { param, message } of problems(chat, broken)) {
      expect(message).toMatch(new RegExp(`^${param} (is|must|differs) .+\\.$`));
    }
  });

  it('are told to fifty', () => {
    const many = body({ messages: times(2_000, { role: 'king', content: 1, Role: 1 }) });
    expect(params(chat, many)).toHaveLength(50);
  });

  it('never repeat what was sent', () => {
    const secret = 'sesame'.repeat(1_000);
    const told = JSON.stringify(
      problems(chat, {
        model: secret,
        temperature: secret,
        messages: [{ role: secret, content: [{ type: 1, x: secret }] }],
      }),
    );
    expect(told).not.toContain('sesame');
  });
});

it.each<[JsonObject, string]>([
  [{ Max_Tokens: 5 }, 'Max_Tokens'],
  [{ MESSAGES: [] }, 'MESSAGES'],
  [{ Stream: true }, 'Stream'],
  [{ stream_options: { Include_usage: true } }, 'stream_options.Include_usage'],
  [{ extended_thinking: { Enabled: true } }, 'extended_thinking.Enabled'],
])('a name that differs only by case is refused: %j', (fields, param) => {
  expectRefused(fields, param);
});

it('leaves unknown fields, free-form objects and the order of fields alone', () => {
  const given = {
    x_new: { Role: [1, { Content: null }] },
    ...body({
      metadata: { Model: 'x', Metadata: 1 },
      response_format: { type: 'x', Type: { A: 1 } },
      maxTokens: 'x',
    }),
  };
  expect(JSON.stringify(accepted(chat, given).body)).toBe(JSON.stringify(given));
});

describe('what others need to know of a body', () => {
  it('is the least where it says nothing', () => {
    expect(accepted(chat, body())).toEqual({
      endpoint: chat,
      model: 'claude-3-5-sonnet',
      stream: false,
      body: body(),
      outputBound: null,
      choices: 1,
      images: 0,
      mediaTokens: 0,
      mediaBytes: 0,
      remoteTools: [],
    });
  });

  it('is whether it streams, and how many choices it asks for', () => {
    expect(accepted(chat, body({ stream: true, n: 3 }))).toMatchObject({ stream: true, choices: 3 });
  });

  it.each<[JsonObject, number | null]>([
    [{ max_tokens: 10 }, 10],
    [{ max_completion_tokens: 20 }, 20],
    [{ max_tokens: 10, max_completion_tokens: 20 }, 20],
    [{ max_tokens: 10, extended_thinking: { enabled: true, budget_tokens: 2048 } }, 10],
    [{ max_tokens: 4000, extended_thinking: { enabled: true, budget_tokens: 2048 } }, 4000],
    [{ extended_thinking: { enabled: true, budget_tokens: 2048 } }, null],
    [{ reasoning_effort: 'low' }, null],
    [{ max_tokens: 10, extended_thinking: { enabled: false, budget_tokens: 2048 } }, 10],
    [{ extended_thinking: { budget_tokens: 2048 } }, null],
    [{ max_tokens: null }, null],
  ])('is the most output it allows: %j', (fields, outputBound) => {
    expect(accepted(chat, body(fields)).outputBound).toBe(outputBound);
  });

  it.each<[JsonObject, number | undefined]>([
    [{ extended_thinking: { enabled: true, budget_tokens: 2048 } }, 2048],
    [{ thinking: { type: 'enabled', budget_tokens: 4096 } }, 4096],
    [{ thinking: { budget_tokens: 4096 }, extended_thinking: { enabled: true, budget_tokens: 2048 } }, 4096],
    [{ extended_thinking: { enabled: false, budget_tokens: 2048 } }, undefined],
    [{ extended_thinking: { budget_tokens: 2048 } }, undefined],
    [{ thinking: { type: 'disabled', budget_tokens: 4096 } }, undefined],
    [{ thinking: { type: 'adaptive' } }, undefined],
    [{ thinking: 'on' }, undefined],
    [{}, undefined],
  ])('is the thinking it allows: %j', (fields, thinkingTokens) => {
    expect(accepted(chat, body(fields)).thinkingTokens).toBe(thinkingTokens);
  });
});
