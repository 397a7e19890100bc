import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/request.ts';
import { allRepaired, idOf, repairsFor } from '../../../../src/models/repairs/repair.ts';
import { saidIn } from '../../../../src/models/repairs/said.ts';
import { growth, linear } from '../../../support/growth.ts';

const chat = '/v1/chat/completions';
const messages = '/v1/messages';

/** The repairs that an answer asks for. */
function wanted(error: unknown, path = chat): string[] {
  const text =
    typeof error === 'string' ? JSON.stringify({ error: { message: error } }) : JSON.stringify(error);
  return repairsFor(saidIn(text), path).map(idOf);
}

/** A body after what an answer asks for. */
function mended(
  body: JsonObject,
  message: string,
  path = chat,
): { body: JsonObject; adjusted: readonly string[] } {
  return allRepaired(body, repairsFor(saidIn(JSON.stringify({ error: { message } })), path));
}

describe('words for content that is missing', () => {
  it.each([
    'content is required',
    'messages.1.content is required',
    'messages[1].content: content is required',
    'messages.2.content: Field required',
    'messages: text content blocks must be non-empty',
    'messages: text content blocks must contain non-whitespace text',
    'messages.1: all messages must have non-empty content except for the optional final assistant message',
    'The content field in the Message object at messages.1 is empty. Add a ContentBlock object to the content field and try again.',
    "Invalid value for 'content': expected a string, got null.",
    'content must not be empty',
    'content cannot be null',
    'Missing required field: content',
  ])('%j', (message) => {
    expect(wanted(message)).toContain('fill');
  });

  it.each([
    'max_tokens is required',
    'The content was blocked',
    'messages: at least one message is required',
    'content is too long',
    'content type must be application/json',
  ])('are not %j', (message) => {
    expect(wanted(message)).not.toContain('fill');
  });
});

describe('a turn without content', () => {
  const calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }];
  const after = (...turns: JsonObject[]): unknown =>
    mended({ messages: turns }, 'content is required').body['messages'];

  it.each([[null], [''], ['  '], [[]], [[{ type: 'text', text: '' }]]])(
    '%j gets the shortest text',
    (content) => {
      const turn = { role: 'assistant', content, tool_calls: calls };
      expect(after(turn)).toEqual([{ ...turn, content: '.' }]);
    },
  );

  it('gets one if content is absent, and so does a tool result', () => {
    expect(
      after({ role: 'assistant', tool_calls: calls }, { role: 'tool', tool_call_id: 'a', content: '' }),
    ).toEqual([
      { role: 'assistant', tool_calls: calls, content: '.' },
      { role: 'tool', tool_call_id: 'a', content: '.' },
    ]);
  });

  it('says its refusal', () => {
    expect(after({ role: 'assistant', content: null, refusal: 'I will not.' })).toMatchObject([
      { content: 'I will not.' },
    ]);
  });

  it('is left alone if it is a user, or has content', () => {
    const body = {
      messages: [{ role: 'user', content: '' }, { role: 'assistant', content: 'a', tool_calls: calls }, 1],
    };
    expect(mended(body, 'content is required')).toEqual({ body, adjusted: [] });
  });

  it('is told', () => {
    expect(
      mended({ messages: [{ role: 'assistant', tool_calls: calls }] }, 'content is required').adjusted,
    ).toEqual(['messages.content=filled']);
  });
});

describe('words for a system message that is refused', () => {
  it.each([
    "messages.1.role: Input should be 'user' or 'assistant'",
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
    'Failed to parse request: unknown variant `system`, expected `user` or `assistant` at line 1 column 4677',
    "messages.67: role 'system' must precede an 'assistant' message or end the array",
    'messages.0.role must be one of user, assistant',
    'Invalid role: system',
    'system role is not supported',
    'System messages are not allowed here',
  ])('%j', (message) => {
    expect(wanted(message, messages)).toContain('fold');
    expect(wanted(message, chat)).not.toContain('fold');
  });

  it.each([
    "messages.1.role: Input should be 'user' or 'system'",
    'system: Input should be a valid list',
    'overloaded system',
  ])('are not %j', (message) => {
    expect(wanted(message, messages)).not.toContain('fold');
  });
});

describe('system messages', () => {
  const refused = "messages.1.role: Input should be 'user' or 'assistant'";
  const user = { role: 'user', content: 'Hello' };
  const system = (content: JsonObject['content']): JsonObject => ({
    role: 'system',
    content: content ?? null,
  });
  const block = { type: 'text', text: 'b', cache_control: { type: 'ephemeral' } };
  const folded = (body: JsonObject): JsonObject => mended(body, refused, messages).body;

  it.each<[string, JsonObject, JsonObject['system']]>([
    ['into no system', { messages: [system('a'), user, system('b')] }, 'a\n\nb'],
    ['into a null', { system: null, messages: [user, system('b')] }, 'b'],
    ['after a text', { system: 's', messages: [user, system('b')] }, 's\n\nb'],
    [
      'with blocks, after a text',
      { system: 's', messages: [user, system([block])] },
      [{ type: 'text', text: 's' }, block],
    ],
    [
      'after blocks',
      { system: [block], messages: [user, system('b')] },
      [block, { type: 'text', text: 'b' }],
    ],
    [
      'blocks after blocks',
      { system: [block], messages: [user, system([block, block])] },
      [block, block, block],
    ],
    ['without empty ones', { system: '', messages: [user, system(''), system('b')] }, 'b'],
  ])('are folded %s', (_, body, expected) => {
    expect(folded(body)).toEqual({ system: expected, messages: [user] });
  });

  it('may leave two turns of a user side by side', () => {
    expect(folded({ messages: [user, system('a'), user] })['messages']).toEqual([user, user]);
  });

  it('are all there is, or there are none: nothing can be done', () => {
    for (const body of [{ messages: [system('a')] }, { messages: [user] }, { messages: 'no' }]) {
      expect(folded(body)).toBe(body);
    }
  });
});

describe('words for too many output tokens', () => {
  it.each([
    ['max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for claude-x', 8192],
    [
      'max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided 32000.',
      16384,
    ],
    [
      'The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096.',
      4096,
    ],
    ['max_tokens: Input should be less than or equal to 8192', 8192],
    ['max_completion_tokens must be at most 8192', 8192],
    ['Invalid max_tokens value, the valid range of max_tokens is [1, 8192]', 8192],
    ['`max_tokens` must be between 1 and 4096', 4096],
    ['max_tokens_per_inference_request: 32000 > 8192, which is the maximum', 8192],
    ['max_tokens (32000) exceeds the model limit of 8192', 8192],
  ])('%j', (message, max) => {
    expect(wanted(message)).toEqual([`lower ${max}`]);
  });

  it.each([
    "This model's maximum context length is 200000 tokens. However, you requested 210000 tokens.",
    'input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease input length or `max_tokens` and try again',
    '`max_tokens` must be greater than `thinking.budget_tokens`',
    'max_tokens: Input should be greater than or equal to 1',
    'max_tokens is required',
  ])('are not %j', (message) => {
    expect(wanted(message)).toEqual([]);
  });
});

describe('an output bound', () => {
  const tooMany = 'max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for m';

  it.each<[JsonObject, JsonObject, string[]]>([
    [{ max_tokens: 32_000 }, { max_tokens: 8_192 }, ['max_tokens=8192']],
    [{ max_completion_tokens: 32_000 }, { max_completion_tokens: 8_192 }, ['max_completion_tokens=8192']],
    [
      { max_tokens: 32_000, thinking: { type: 'enabled', budget_tokens: 31_999 } },
      { max_tokens: 8_192, thinking: { type: 'enabled', budget_tokens: 8_191 } },
      ['max_tokens=8192', 'thinking.budget_tokens=8191'],
    ],
    [
      { max_tokens: 32_000, extended_thinking: { enabled: true, budget_tokens: 9_000 } },
      { max_tokens: 8_192, extended_thinking: { enabled: true, budget_tokens: 8_191 } },
      ['max_tokens=8192', 'extended_thinking.budget_tokens=8191'],
    ],
    // A budget that fits, and one for thinking between tool calls.
    [
      { max_tokens: 32_000, thinking: { type: 'enabled', budget_tokens: 4_000 } },
      { max_tokens: 8_192, thinking: { type: 'enabled', budget_tokens: 4_000 } },
      ['max_tokens=8192'],
    ],
    [
      { max_tokens: 32_000, thinking: { type: 'enabled', budget_tokens: 64_000 } },
      { max_tokens: 8_192, thinking: { type: 'enabled', budget_tokens: 64_000 } },
      ['max_tokens=8192'],
    ],
  ])('%j is lowered', (body, lower, adjusted) => {
    expect(mended(body, tooMany)).toEqual({ body: lower, adjusted });
  });

  it.each<JsonObject>([{ max_tokens: 8_192 }, { max_tokens: 1 }, { max_tokens: null }, {}])(
    '%j is not',
    (body) => {
      expect(mended(body, tooMany)).toEqual({ body, adjusted: [] });
    },
  );
});

describe('words for a field that is refused by name', () => {
  it.each<[string, string[]]>([
    ['context_management: Extra inputs are not permitted', ['context_management']],
    ['The model returned the following errors: guardrails: Extra inputs are not permitted', ['guardrails']],
    [
      'Error from provider (Anthropic): context_management: Extra inputs are not permitted.',
      ['context_management'],
    ],
    [
      'system.1.cache_control.ephemeral.scope: Extra inputs are not permitted',
      ['system.*.cache_control.ephemeral.scope'],
    ],
    [
      'messages.0.content.0.cache_control.ttl: Extra inputs are not permitted',
      ['messages.*.content.*.cache_control.ttl'],
    ],
    ['tools.0.custom.strict: Extra inputs are not permitted', ['tools.*.custom.strict']],
    ['a: Extra inputs are not permitted\nb: Extra inputs are not permitted', ['a', 'b']],
    ['Unknown field: store', ['store']],
    ["Unknown parameter: 'store'.", ['store']],
    ["Unknown parameter: 'stream_options'. (request id: 2024) (request id: 2025)", ['stream_options']],
    ["Unknown parameter: 'tools[0].function.strict'.", ['tools.*.function.strict']],
    ['Unrecognized request argument supplied: store', ['store']],
    ['Unrecognized request arguments supplied: store, verbosity', ['store', 'verbosity']],
    ['Unsupported parameter: store, context_management', ['store', 'context_management']],
    ["Unsupported parameter: 'temperature' is not supported with this model.", ['temperature']],
    ['json: unknown field "store"', ['store']],
    ['unknown field `store`, expected one of `model`, `messages` at line 1 column 9', ['store']],
    ['#: extraneous key [store] is not permitted, please reformat your input and try again.', ['store']],
    ["Additional properties are not allowed ('store' was unexpected)", ['store']],
    ["Additional properties are not allowed ('a', 'b' were unexpected)", ['a', 'b']],
    ["Unrecognized key(s) in object: 'store', 'user'", ['store', 'user']],
    ['Unrecognized key: "store"', ['store']],
    [
      "Extra parameters ['stream_options'] are not allowed when extra-parameters is not set",
      ['stream_options'],
    ],
    ["got an unexpected keyword argument 'store'", ['store']],
    ['property store should not exist', ['store']],
    ['"store" is not allowed', ['store']],
    ['Invalid JSON payload received. Unknown name "store": Cannot find field.', ['store']],
    ['`temperature` is deprecated for this model.', ['temperature']],
    ['Argument not supported on this model: store', ['store']],
    ['The following parameters are not supported: store, verbosity', ['store', 'verbosity']],
    ['store: unknown field', ['store']],
  ])('%j', (message, fields) => {
    expect(wanted(message)).toEqual(expect.arrayContaining(fields.map((field) => `drop ${field}`)));
    // Words that look like names do no harm: no body has such fields.
    const usual = { model: 'm', messages: [{ role: 'user', content: 'a' }], max_tokens: 9, seed: 1, n: 1 };
    expect(mended(usual, message)).toEqual({ body: usual, adjusted: [] });
  });

  it.each([
    'tools: Extra inputs are not permitted',
    "Unknown parameter: 'response_format'.",
    'messages.0.content.0.text: Extra inputs are not permitted',
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    'temperature: Input should be less than or equal to 1',
    "Unsupported value: 'temperature' does not support 0.2 with this model.",
    'This model is not supported',
    'reasoning_effort: unsupported value',
  ])('are not %j', (message) => {
    const named = wanted(message).filter((id) =>
      /tools|response_format|text$|max_|temperature|model|reasoning/.test(id),
    );
    expect(named).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['in param', { error: { message: 'Bad request.', param: 'store', code: 'unknown_parameter' } }],
    [
      'in a list of details',
      {
        detail: [{ type: 'extra_forbidden', loc: ['body', 'store'], msg: 'Extra inputs are not permitted' }],
      },
    ],
    ['in JSON in a string', { error: { message: '{"message":"store: Extra inputs are not permitted"}' } }],
    [
      'in an error that a proxy quotes',
      {
        error: {
          message:
            'litellm.BadRequestError: BedrockException - {"message":"The model returned the following errors: store: Extra inputs are not permitted"}. Received Model Group=x',
        },
      },
    ],
    ['at the top', { message: 'Unknown field: store' }],
    ['in an error that is a string', { error: 'Unknown field: store' }],
  ])('are found %s', (_, error) => {
    expect(wanted(error)).toContain('drop store');
  });

  it.each(['role ', 'a, ', '[', 'a.', 'content ', 'max_tokens', '_tokens', '(', 'unknown field '])(
    'are read in linear time, also if they are hostile: %j',
    (piece) => {
      const prepare = (amount: number): (() => unknown) => {
        const said = `max${piece.repeat((2_000 * amount) / piece.length)}`;
        return () => repairsFor(said, messages);
      };
      expect(growth(prepare)).toBeLessThan(linear);
    },
  );
});

describe('several repairs', () => {
  it('are made one after the other, and told together', () => {
    const body = { max_tokens: 9, store: true, tools: [{ strict: true }], messages: [] };
    const { body: after, adjusted } = allRepaired(body, [
      { kind: 'drop', path: ['store'] },
      { kind: 'lower', max: 8 },
      { kind: 'drop', path: ['tools', '*', 'strict'] },
      { kind: 'fill' },
    ]);
    expect(after).toEqual({ max_tokens: 8, tools: [{}], messages: [] });
    expect(adjusted).toEqual(['store', 'max_tokens=8', 'tools.*.strict']);
  });
});
