import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { responses } from '../../../../src/validation/endpoints/responses.ts';
import { accepted, params, refused } from '../verdict.ts';

/* Tools, and which of them the model may call. */

const minimal = { model: 'm', input: 'Hi' };

function request(body: JsonObject): ReturnType<typeof accepted> {
  return accepted(responses, { ...minimal, ...body });
}

function problems(body: JsonObject): readonly string[] {
  return params(responses, { ...minimal, ...body });
}

const f = { type: 'function', name: 'f' };
const g = { type: 'function', name: 'g' };
const sentF = { type: 'function', function: { name: 'f' } };
const sentG = { type: 'function', function: { name: 'g' } };
const patch = { type: 'custom', name: 'patch' };
const inputOnly = {
  type: 'object',
  properties: { input: { type: 'string', description: 'The input of the tool, as plain text.' } },
  required: ['input'],
  additionalProperties: false,
};

describe('a function', () => {
  it('has its fields inside `function`', () => {
    const parameters = { $schema: 's', type: 'object', properties: { __a: {} } };
    const tool = { ...f, description: 'd', parameters, strict: true };
    const { body, adjusted } = request({ tools: [tool], tool_choice: 'auto', parallel_tool_calls: false });
    expect(body).toMatchObject({
      tools: [
        {
          type: 'function',
          function: {
            name: 'f',
            description: 'd',
            parameters: { type: 'object', properties: { __a: {} } },
            strict: true,
          },
        },
      ],
      tool_choice: 'auto',
      parallel_tool_calls: false,
    });
    expect(adjusted).toBeUndefined();
  });

  it('has no more than was said, and is named once for what was not sent', () => {
    const bare = { ...f, description: null, parameters: null, strict: false };
    const { body, adjusted } = request({
      tools: [
        { ...bare, defer_loading: true },
        { ...g, defer_loading: true },
      ],
    });
    expect(body['tools']).toEqual([sentF, sentG]);
    expect(adjusted).toEqual(['tools.*.defer_loading']);
  });
});

describe('a custom tool', () => {
  it('is a function with one text', () => {
    const { body, translation } = request({ tools: [patch, f] });
    expect(body['tools']).toEqual([
      { type: 'function', function: { name: 'patch', parameters: inputOnly } },
      sentF,
    ]);
    expect(translation?.customTools).toEqual(new Set(['patch']));
  });

  it('tells the model its grammar, which nothing enforces', () => {
    const format = { type: 'grammar', syntax: 'lark', definition: 'start: "x"' };
    const { body, adjusted } = request({ tools: [{ ...patch, description: 'Edits.', format }] });
    expect(body['tools']).toMatchObject([
      { function: { description: 'Edits.\n\nThe input must match this grammar (lark):\nstart: "x"' } },
    ]);
    expect(adjusted).toEqual(['tools.*.format=description']);
  });

  it('needs a name that no other tool has', () => {
    expect(problems({ tools: [f, { ...patch, name: 'f' }] })).toEqual(['tools.1.name']);
    expect(problems({ tools: [patch, f, { ...f, name: 'patch' }] })).toEqual(['tools.2.name']);
    expect(problems({ tools: [patch, patch] })).toEqual(['tools.1.name']);
  });
});

describe('a namespace', () => {
  const agents = { type: 'namespace', name: 'agents', description: 'They work.', tools: [f, patch, g] };

  it('is a prefix of names, and the translation knows the way back', () => {
    const { body, translation } = request({ tools: [agents, f] });
    expect(body['tools']).toEqual([
      {
        type: 'function',
        function: { name: 'agents__f', description: 'About all tools of agents: They work.' },
      },
      { type: 'function', function: { name: 'agents__patch', parameters: inputOnly } },
      { type: 'function', function: { name: 'agents__g' } },
      sentF,
    ]);
    expect(translation?.customTools).toEqual(new Set(['agents__patch']));
    expect(translation?.namespaced).toEqual(
      new Map(['f', 'patch', 'g'].map((name) => [`agents__${name}`, { namespace: 'agents', name }])),
    );
  });

  it('of a long name is cut, so that models take it, and names stay apart', () => {
    const long = { ...agents, name: 'mcp__a_server_whose_name_is_long_beyond_reason', tools: ['one', 'two'] };
    const tools = long.tools.map((name) => ({ ...f, name: `a_tool_of_many_words_${name}` }));
    const { translation } = request({ tools: [{ ...long, tools }] });
    const names = [...(translation?.namespaced?.keys() ?? [])];
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^mcp__a_server_whose_[a-z_]+_[0-9a-f]{12}$/);
    expect(names.map((name) => name.length)).toEqual([64, 64]);
  });

  it('may be named in a choice', () => {
    const choice = { type: 'function', name: 'g', namespace: 'agents' };
    expect(request({ tools: [agents], tool_choice: choice }).body['tool_choice']).toEqual({
      type: 'function',
      function: { name: 'agents__g' },
    });
  });

  it('is not inside another one, has tools, and takes no name that there is', () => {
    const { tools: _, ...bare } = agents;
    expect(problems({ tools: [bare] })).toEqual(['tools.0.tools']);
    expect(problems({ tools: [{ ...agents, tools: [] }] })).toEqual(['tools.0.tools']);
    expect(problems({ tools: [{ ...agents, tools: [agents] }] })).toEqual(['tools.0.tools.0.type']);
    expect(problems({ tools: [{ ...f, name: 'agents__f' }, agents] })).toEqual(['tools.1.tools.0.name']);
  });
});

describe('a tool of a provider', () => {
  it.each(
    [
      'web_search',
      'web_search_preview',
      'file_search',
      'computer',
      'code_interpreter',
      'mcp',
      'image_generation',
    ]
      .concat(['local_shell', 'shell', 'apply_patch', 'tool_search', 'heroku_tool', 'constructor'])
      .map((type) => [type]),
  )('%s is refused, with what to do instead', (type) => {
    const refusal = refused(responses, { ...minimal, tools: [f, { type }] });
    expect(refusal.code).toBe('unsupported_tool');
    expect(refusal.status).toBe(400);
    expect(refusal.details.param).toBe('tools.1.type');
    expect(refusal.message).toMatch(/must be function or custom: .*leave it out.*describe it as a function/);
  });

  it('is refused as a choice too', () => {
    const refusal = refused(responses, { ...minimal, tools: [f], tool_choice: { type: 'web_search' } });
    expect([refusal.code, refusal.details.param]).toEqual(['unsupported_tool', 'tool_choice.type']);
  });
});

describe('tool_choice', () => {
  it.each<[JsonValue, JsonObject]>([
    ['none', { tools: [sentF, sentG], tool_choice: 'none' }],
    ['required', { tools: [sentF, sentG], tool_choice: 'required' }],
    [null, { tools: [sentF, sentG] }],
    [
      { type: 'function', name: 'g' },
      { tools: [sentF, sentG], tool_choice: { type: 'function', function: { name: 'g' } } },
    ],
    [
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'g' }] },
      { tools: [sentG], tool_choice: 'required' },
    ],
    [
      { type: 'allowed_tools', tools: [{ type: 'function', name: 'f' }] },
      { tools: [sentF], tool_choice: 'auto' },
    ],
    [
      { type: 'allowed_tools', mode: 'none', tools: [{ type: 'function', name: 'f' }] },
      { tools: [sentF], tool_choice: 'none' },
    ],
  ])('%j', (choice, expected) => {
    const { body } = request({ tools: [f, g], tool_choice: choice });
    const { tools, tool_choice: sentChoice } = body;
    expect({ tools, ...(sentChoice !== undefined && { tool_choice: sentChoice }) }).toEqual(expected);
  });

  it('goes without tools nowhere', () => {
    expect(request({ tool_choice: 'auto', parallel_tool_calls: true, tools: [] }).body).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(problems({ tool_choice: 'required' })).toEqual(['tool_choice']);
  });

  it.each<[JsonValue, string[]]>([
    ['any', ['tool_choice']],
    [5, ['tool_choice']],
    [{ type: 'function' }, ['tool_choice.name']],
    [{ type: 'function', name: 'toString' }, ['tool_choice.name']],
    [{ type: 'function', function: { name: 'f' }, name: 'f' }, ['tool_choice.function']],
    [{ type: 'allowed_tools', mode: 'auto', tools: [] }, ['tool_choice.tools']],
    [{ type: 'allowed_tools', mode: 'any', tools: [{ type: 'function', name: 'f' }] }, ['tool_choice.mode']],
    [
      { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'x' }] },
      ['tool_choice.tools.0.name'],
    ],
    [
      { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'mcp', name: 'f' }] },
      ['tool_choice.tools.0.type'],
    ],
    [{}, ['tool_choice.type']],
  ])('%j is refused', (choice, expected) => {
    expect(problems({ tools: [f], tool_choice: choice })).toEqual(expected);
  });
});

it.each<[string, JsonValue, string[]]>([
  ['a chat’s form', [{ type: 'function', function: { name: 'f' } }], ['tools.0.function', 'tools.0.name']],
  ['no name', [{ type: 'function' }], ['tools.0.name']],
  ['no type', [{ name: 'f' }], ['tools.0.type']],
  ['other spellings', [{ ...f, Parameters: {} }], ['tools.0.Parameters']],
  ['no list', {}, ['tools']],
  ['too many', Array.from({ length: 513 }, (_, n) => ({ ...f, name: `f${n}` })), ['tools']],
  [
    'too many in namespaces',
    ['a', 'b'].map((name) => ({
      type: 'namespace',
      name,
      tools: Array.from({ length: 300 }, (_, n) => ({ ...f, name: `f${n}` })),
    })),
    ['tools'],
  ],
])('tools with %s are refused', (_what, tools, expected) => {
  expect(problems({ tools })).toEqual(expected);
});
