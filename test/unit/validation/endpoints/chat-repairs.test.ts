import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { chat } from '../../../../src/validation/endpoints/chat.ts';
import { repaired } from '../../../../src/validation/endpoints/chat-repairs.ts';
import { accepted, params } from '../verdict.ts';

const base: JsonObject = { model: 'm', messages: [{ role: 'user', content: 'x' }], temperature: 0.5 };
const call: JsonObject = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };

function withMessage(message: JsonObject): JsonObject {
  return { ...base, messages: [{ role: 'user', content: '' }, message, { role: 'user', content: [] }] };
}

function withArguments(given: JsonObject): JsonObject {
  const calls = [call, { id: 'd', type: 'function', function: { name: 'g', ...given } }];
  return withMessage({ role: 'assistant', tool_calls: calls });
}

function withParameters(parameters: JsonValue): JsonObject {
  return { ...base, tools: [{ type: 'function', strict: true, function: { name: 'f', parameters } }] };
}

/** What is sent on of a body that is valid. */
function sent(body: JsonObject): JsonObject {
  return accepted(chat, body).body;
}

describe('empty content beside tool calls', () => {
  it.each<JsonValue>([null, '', [], [{ type: 'text', text: '' }]])('is left out: %j', (content) => {
    const message = { role: 'assistant', tool_calls: [call] };
    expect(sent(withMessage({ ...message, content }))).toEqual(withMessage(message));
  });

  it.each<JsonValue>([
    'x',
    ' ',
    [{ type: 'text', text: 'x' }],
    [{ type: 'text', text: '' }, { type: 'other' }],
  ])('stays where it says something: %j', (content) => {
    const body = withMessage({ role: 'assistant', content, tool_calls: [call] });
    expect(sent(body)).toBe(body);
  });

  it('stays without tool calls, and in other roles', () => {
    for (const message of [
      { role: 'assistant', content: '' },
      { role: 'assistant', content: '', tool_calls: [] },
      { role: 'user', content: '', tool_calls: [call] },
    ]) {
      const body = withMessage(message);
      expect(sent(body)).toBe(body);
    }
  });
});

describe('the arguments of a tool call', () => {
  it.each<JsonObject>([{ arguments: '' }, { arguments: ' \n' }, { arguments: null }, {}])(
    'are an object without members where there are none: %j',
    (given) => expect(sent(withArguments(given))).toEqual(withArguments({ arguments: '{}' })),
  );

  it.each<JsonValue>(['{"b":[1]}', ' {} ', { b: 1 }, {}])(
    'stay as they are where they are an object: %j',
    (given) => {
      const body = withArguments({ arguments: given });
      expect(sent(body)).toBe(body);
    },
  );

  it.each<JsonValue>(['x', '[]', '1', '"{}"', 'null', '{', '}', '{}{}', "{'a':1}", [], 1, true])(
    'are refused, and named, where they are not: %j',
    (given) => {
      const path = 'messages.1.tool_calls.1.function.arguments';
      expect(params(chat, withArguments({ arguments: given }))).toEqual([path]);
    },
  );

  it('are read as far as that does not hold up others; beyond it only their ends are looked at', () => {
    const long = `{"a":"${'x'.repeat(262_144)}`;
    expect(params(chat, withArguments({ arguments: long }))).toHaveLength(1);
    const unread = withArguments({ arguments: `${long}}` });
    expect(sent(unread)).toBe(unread);
  });
});

describe('$schema in the parameters of a tool', () => {
  const $schema = 'https://json-schema.org/draft/2020-12/schema';

  it('is left out', () => {
    const parameters = { type: 'object', properties: { a: { type: 'string' } } };
    expect(sent(withParameters({ $schema, ...parameters }))).toEqual(withParameters(parameters));
  });

  it('stays where it is the name of a parameter', () => {
    const body = withParameters({ type: 'object', properties: { $schema: { type: 'string' } } });
    expect(sent(body)).toBe(body);
  });
});

it('changes nothing of what came in, which others may hold', () => {
  const body = { ...withArguments({ arguments: '' }), ...withParameters({ $schema: 'x' }) };
  const before = structuredClone(body);
  const after = repaired(body);
  expect(body).toEqual(before);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  expect(after).not.toEqual(before);
});

describe('a temperature while thinking is on', () => {
  const thinking = (temperature: JsonValue, enabled: JsonValue = true): JsonObject => ({
    ...base,
    temperature,
    extended_thinking: { enabled, budget_tokens: 1024 },
  });

  it('may be 1, or not be there', () => {
    for (const temperature of [1, null]) expect(sent(thinking(temperature))).toEqual(thinking(temperature));
  });

  it('is refused where it is another, with the remedy', () => {
    expect(params(chat, thinking(0.7))).toEqual(['temperature']);
  });

  it('is any while thinking is off', () => {
    expect(sent(thinking(0.7, false))).toEqual(thinking(0.7, false));
  });
});
