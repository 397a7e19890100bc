import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { responses } from '../../../../src/validation/endpoints/responses.ts';
import { accepted, params, refused } from '../verdict.ts';

/* What items become, and which are refused. */

function sent(body: JsonObject): JsonObject {
  return accepted(responses, { model: 'm', ...body }).body;
}

function messages(input: JsonValue, more: JsonObject = {}): JsonValue | undefined {
  return sent({ input, ...more })['messages'];
}

function problems(input: JsonValue): readonly string[] {
  return params(responses, { model: 'm', input });
}

const user = { role: 'user', content: 'Hi' };
const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":1}' };
const output = { type: 'function_call_output', call_id: 'c', output: 'ok' };
const sentCall = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
const sentResult = { role: 'tool', tool_call_id: 'c', content: 'ok' };

describe('text', () => {
  it('of a string is a user’s message, behind the instructions', () => {
    expect(messages('Hi')).toEqual([user]);
    expect(messages('Hi', { instructions: 'Be brief.' })).toEqual([
      { role: 'system', content: 'Be brief.' },
      user,
    ]);
    expect(messages('Hi', { instructions: '' })).toEqual([user]);
  });

  it('of messages stays in order, with or without their type, by role', () => {
    expect(
      messages([
        { role: 'system', content: 'a' },
        { type: 'message', id: 'msg_1', role: 'developer', content: [{ type: 'input_text', text: 'b' }] },
        { type: null, role: 'user', content: 'c' },
        {
          type: 'message',
          role: 'assistant',
          status: 'completed',
          phase: 'final_answer',
          content: [{ type: 'output_text', text: 'd', annotations: [], logprobs: [] }],
        },
        { role: 'assistant', content: 'e' },
      ]),
    ).toEqual([
      { role: 'system', content: 'a' },
      { role: 'system', content: 'b' },
      { role: 'user', content: 'c' },
      { role: 'assistant', content: 'd' },
      { role: 'assistant', content: 'e' },
    ]);
  });

  it('of several parts stays several; what the model refused is what it said', () => {
    const refusal = [
      { type: 'text', text: 'Well.' },
      { type: 'refusal', refusal: 'No.' },
    ];
    expect(messages([{ role: 'assistant', content: refusal }])).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Well.' },
          { type: 'text', text: 'No.' },
        ],
      },
    ]);
  });

  it('is left as it is, whatever is in it', () => {
    const odd = '\u0000 __proto__ "\\u0000" \ud83d\ude00 </s>';
    expect(messages([{ role: 'user', content: [{ type: 'input_text', text: odd }] }])).toEqual([
      { role: 'user', content: odd },
    ]);
  });

  it('that the assistant did not say is no message', () => {
    const empty = { role: 'assistant', content: [{ type: 'output_text', text: '' }] };
    expect(messages([user, empty, { role: 'assistant', content: [] }])).toEqual([user]);
    expect(problems([empty])).toEqual(['input']);
  });
});

describe('media', () => {
  const png = `data:image/png;base64,${Buffer.alloc(3_000).toString('base64')}`;

  it('become parts of a chat, and are counted as media', () => {
    const request = accepted(responses, {
      model: 'm',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'What is it?' },
            { type: 'input_image', image_url: png, detail: 'low' },
            { type: 'input_image', image_url: 'https://example.com/a.png', detail: null },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,QUJD' },
            { type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav' } },
          ],
        },
      ],
    });
    expect(request.body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url: png, detail: 'low' } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,QUJD' } },
          { type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav' } },
        ],
      },
    ]);
    expect(request.mediaBytes).toBeGreaterThan(png.length);
    expect(request.mediaTokens).toBeGreaterThan(3_000);
  });

  it.each([
    [{ type: 'input_image', file_id: 'file_1' }, 'input.0.content.0', /send image_url/],
    [{ type: 'input_image' }, 'input.0.content.0.image_url', /is required/],
    [{ type: 'input_image', image_url: { url: 'x' } }, 'input.0.content.0.image_url', /must be a string/],
    [{ type: 'input_file', file_id: 'file_1' }, 'input.0.content.0', /send file_data/],
    [{ type: 'input_file', file_url: 'https://x' }, 'input.0.content.0', /send file_data/],
    [{ type: 'input_audio', input_audio: {} }, 'input.0.content.0.input_audio.data', /is required/],
    [{ type: 'input_video', video_url: 'x' }, 'input.0.content.0.type', /must be one of input_text/],
    [{ type: 'toString' }, 'input.0.content.0.type', /must be one of/],
    [{ type: 'input_text', Text: 'x', text: 'y' }, 'input.0.content.0.Text', /write text/],
  ])('%j is refused with the remedy', (part, param, message) => {
    const refusal = refused(responses, { model: 'm', input: [{ role: 'user', content: [part] }] });
    expect(refusal.details.problems?.map((each) => each.param)).toContain(param);
    expect(refusal.details.problems?.find((each) => each.param === param)?.message).toMatch(message);
  });

  it('in the output of a call go into a user’s message behind the results', () => {
    const other = { ...call, call_id: 'd' };
    const seen = [
      { type: 'input_text', text: 'a picture' },
      { type: 'input_image', image_url: png },
    ];
    const request = accepted(responses, {
      model: 'm',
      input: [user, call, other, { ...output, output: seen }, { ...output, call_id: 'd' }],
    });
    expect(request.body['messages']).toEqual([
      user,
      { role: 'assistant', tool_calls: [sentCall, { ...sentCall, id: 'd' }] },
      {
        role: 'tool',
        tool_call_id: 'c',
        content: [
          { type: 'text', text: 'a picture' },
          { type: 'text', text: 'The media in the output of the call c are in the next user message.' },
        ],
      },
      { ...sentResult, tool_call_id: 'd' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'The media in the output of the call c:' },
          { type: 'image_url', image_url: { url: png } },
        ],
      },
    ]);
    expect(request.mediaBytes).toBeGreaterThan(3_000);
    expect(request.adjusted).toEqual(['input.*.output=message']);
  });
});

describe('calls', () => {
  it('belong to the message before them, parallel ones together', () => {
    const text = { type: 'message', role: 'assistant', content: 'Let me look.' };
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm' }] };
    const custom = { type: 'custom_tool_call', call_id: 'd', name: 'patch', input: '*** "x"\n' };
    const done = {
      type: 'custom_tool_call_output',
      call_id: 'd',
      output: [{ type: 'input_text', text: 'y' }],
    };
    expect(messages([user, reasoning, text, call, custom, output, done, user])).toEqual([
      user,
      {
        role: 'assistant',
        content: 'Let me look.',
        tool_calls: [
          sentCall,
          { id: 'd', type: 'function', function: { name: 'patch', arguments: '{"input":"*** \\"x\\"\\n"}' } },
        ],
      },
      sentResult,
      { role: 'tool', tool_call_id: 'd', content: 'y' },
      user,
    ]);
  });

  it('one after the other are turns of their own, also with the same id', () => {
    expect(messages([user, call, output, call, { ...output, output: 'again' }])).toEqual([
      user,
      { role: 'assistant', tool_calls: [sentCall] },
      sentResult,
      { role: 'assistant', tool_calls: [sentCall] },
      { ...sentResult, content: 'again' },
    ]);
  });

  it('have their results right behind them, wherever these came', () => {
    expect(messages([user, call, user, { role: 'assistant', content: 'So' }, output])).toEqual([
      user,
      { role: 'assistant', tool_calls: [sentCall] },
      sentResult,
      user,
      { role: 'assistant', content: 'So' },
    ]);
  });

  it('keep what the assistant says between two of them', () => {
    const between = { role: 'assistant', content: 'And' };
    const other = { ...call, call_id: 'd' };
    expect(messages([call, between, other, between, output, { ...output, call_id: 'd' }])).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'And' },
          { type: 'text', text: 'And' },
        ],
        tool_calls: [sentCall, { ...sentCall, id: 'd' }],
      },
      sentResult,
      { ...sentResult, tool_call_id: 'd' },
    ]);
  });

  it('without arguments have an empty object; of a namespace, its name in theirs', () => {
    const named = { ...call, arguments: '', namespace: 'agents', status: 'completed' };
    expect(messages([named, output])).toEqual([
      {
        role: 'assistant',
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'agents__f', arguments: '{}' } }],
      },
      sentResult,
    ]);
  });

  it.each([
    ['an output without its call', [user, output], ['input.1.call_id']],
    ['two outputs of one call', [call, output, output], ['input.2.call_id']],
    ['an output before its call', [output, call], ['input.0.call_id', 'input.1']],
    ['a call without its output', [call, user], ['input.0']],
    ['an id of two open calls', [call, call, output], ['input.1.call_id']],
    ['an id that is a name of every object', [{ ...output, call_id: '__proto__' }], ['input.0.call_id']],
    ['no id', [{ ...call, call_id: null }], ['input.0.call_id']],
    ['no name', [{ ...call, name: '' }, output], ['input.0.name']],
    ['cut arguments', [{ ...call, arguments: '{"a":' }, output], ['input.0.arguments']],
    ['arguments as an object', [{ ...call, arguments: {} }, output], ['input.0.arguments']],
    ['no output', [call, { ...output, output: null }], ['input.1.output']],
    ['another spelling', [{ ...call, Call_Id: 'd' }, output], ['input.0.Call_Id']],
  ])('with %s are refused', (_what, input, expected) => {
    expect(problems(input)).toEqual(expected);
  });
});

describe('items', () => {
  it('of reasoning, and references to such, are left out, which is said', () => {
    const request = accepted(responses, {
      model: 'm',
      input: [user, { type: 'reasoning', id: 'rs_1', summary: [] }, { type: 'item_reference', id: 'rs_2' }],
    });
    expect(request.body['messages']).toEqual([user]);
    expect(request.adjusted).toEqual(['input.*.reasoning']);
  });

  it('may have fields that are not known, which are left out, and named if that is safe', () => {
    const request = accepted(responses, {
      model: 'm',
      input: [
        {
          ...user,
          parsed_arguments: {},
          'x\r\ny': 1,
          tgk_0123456789abcdef0123456789abcdef: 1,
          content: [{ type: 'input_text', text: 'Hi', parsed: null }],
        },
      ],
    });
    expect(request.body['messages']).toEqual([user]);
    expect(request.adjusted).toEqual(['input.*.parsed_arguments', 'input.*.*', 'input.*.content.*.parsed']);
  });

  it('name a bounded number of fields', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`f${n}`, n]));
    expect(accepted(responses, { model: 'm', input: [{ ...user, ...many }] }).adjusted).toHaveLength(32);
  });

  it.each([
    [{ type: 'item_reference', id: 'msg_1' }, 'input.0', /set store: false/],
    [{ id: 'msg_1' }, 'input.0', /refers to an item/],
    [{ type: 'web_search_call', id: 'ws_1' }, 'input.0.type', /leave items of other types out/],
    [{ type: 'compaction', encrypted_content: 'x' }, 'input.0.type', /must be one of message/],
    [{ type: 'constructor' }, 'input.0.type', /must be one of message/],
    [{}, 'input.0.type', /must be one of message/],
    [{ type: 'message', content: 'x' }, 'input.0.role', /is required/],
    [{ role: 'tool', content: 'x' }, 'input.0.role', /must be one of user, assistant, system, developer/],
    [{ role: 'user' }, 'input.0.content', /is required/],
    [{ role: 'user', content: {} }, 'input.0.content', /must be an array/],
    ['x', 'input.0', /must be an object/],
  ])('%j is refused', (item, param, message) => {
    const refusal = refused(responses, { model: 'm', input: [item] });
    expect(refusal.details.param).toBe(param);
    expect(refusal.message).toMatch(message);
  });

  it('are bounded in number, and in messages', () => {
    expect(problems([])).toEqual(['input']);
    expect(problems(Array.from({ length: 6_001 }, () => user))).toEqual(['input']);
    expect(problems(Array.from({ length: 2_001 }, () => user))).toEqual(['input']);
    expect(problems(Array.from({ length: 6_000 }, () => ({ type: 'x' })))).toHaveLength(50);
    expect(problems(null)).toEqual(['input']);
    expect(problems({})).toEqual(['input']);
  });

  it('that do not fit into one message of a chat are a problem of the input', () => {
    const calls = Array.from({ length: 513 }, (_, n) => ({ ...call, call_id: `c${n}` }));
    const outputs = calls.map(({ call_id: id }) => ({ ...output, call_id: id }));
    expect(problems([...calls, ...outputs])).toEqual(['input']);
  });
});
