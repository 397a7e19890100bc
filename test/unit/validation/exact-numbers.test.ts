import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import type { Endpoint, JsonObject } from '../../../src/base/request.ts';
import { endpointKinds, endpointsByKind } from '../../../src/validation/registry.ts';
import { withOneOfSampling } from '../../../src/validation/one-of-sampling.ts';
import { parseJson } from '../../../src/validation/parse-json.ts';
import { bodies } from '../../support/gateway-client.ts';
import { accepted, params } from './verdict.ts';

/* Numbers as they are written, from the text of a body to the text that is sent on. */

const numbers = ['2512292042121000001', '123456789012.123456789', '1e400', '1.0', '-0', '1E5', '0.1000'];
const list = `[${numbers.join(',')}]`;

function parsed(text: string): JsonObject {
  const value = parseJson(Buffer.from(text));
  if (value instanceof Refusal) throw new Error(value.message);
  return value;
}

/** What is sent on of a body to which fields were added. */
function sent(kind: (typeof endpointKinds)[number], fields: string): string {
  const body = JSON.stringify(bodies[kind]());
  return JSON.stringify(accepted(endpointsByKind[kind], parsed(`${body.slice(0, -1)},${fields}}`)).body);
}

describe.each(endpointKinds)('%s', (kind) => {
  it('keeps the digits of unknown fields, at any depth', () => {
    const fields = `"x_numbers":${list},"x_object":{"a":[{"b":${list}}]}`;
    expect(sent(kind, fields)).toContain(fields);
  });

  it.each(['1e400', '2512292042121000001', '-9007199254740993.5', '9007199254740992'])(
    'refuses %s in a documented field, by name',
    (number) => {
      const endpoint: Endpoint = endpointsByKind[kind];
      for (const field of Object.keys(endpoint.minimalBody)) {
        const body = parsed(JSON.stringify(bodies[kind]({ [field]: '@@' })).replace('"@@"', number));
        expect(params(endpoint, body)).toContain(field);
      }
    },
  );
});

it.each([
  [
    'arguments',
    `"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{"user_id":${list}}}}]}]`,
  ],
  [
    'arguments beside empty content, which is left out',
    `"messages":[{"role":"assistant","x":1.0,"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"user_id":${list}}}}]}]`,
  ],
  [
    'parameters',
    `"tools":[{"type":"function","function":{"name":"f","parameters":{"enum":${list},"maximum":1e400}}}]`,
  ],
  [
    'a response format',
    `"response_format":{"type":"json_schema","json_schema":{"schema":{"const":${list}}}}`,
  ],
  ['metadata', `"metadata":{"id":${list}}`],
  ['a logit bias', '"logit_bias":{"50256":-1.00}'],
  ['parts of unknown types', `"messages":[{"role":"user","content":[{"type":"x","x":${list}}]}]`],
])('chat keeps the digits of %s', (_what, fields) => {
  expect(sent('chat', fields)).toContain(fields);
});

it('chat repairs what is beside the digits', () => {
  const text = sent(
    'chat',
    `"messages":[{"role":"assistant","content":"","x":1.0,"tool_calls":[{"id":"a","y":1.0,"function":{"name":"f","arguments":"","z":1.0}}]}],
     "tools":[{"type":"function","w":1.0,"function":{"name":"f","parameters":{"$schema":"s","maximum":1.0}}}]`,
  );
  expect(text).toContain(
    '{"role":"assistant","x":1.0,"tool_calls":[{"id":"a","y":1.0,"function":{"name":"f","arguments":"{}","z":1.0}}]}',
  );
  expect(text).toContain('{"type":"function","w":1.0,"function":{"name":"f","parameters":{"maximum":1.0}}}');
});

it.each([
  [
    'tool input',
    `"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"user_id":${list}}}]}]`,
  ],
  [
    'results',
    `"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"json","json":${list}}]}]}]`,
  ],
  ['input schemas', `"tools":[{"name":"f","input_schema":{"type":"object","maximum":${list}}}]`],
  ['metadata', `"metadata":{"user_id":"u","x":${list}}`],
  ['cache control', '"system":[{"type":"text","text":"x","cache_control":{"x":1.0}}]'],
])('messages keep the digits of %s', (_what, fields) => {
  expect(sent('messages', fields)).toContain(fields);
});

it.each([
  [
    'parameters',
    `"tools":[{"type":"function","name":"f","parameters":{"enum":${list}}}]`,
    `{"enum":${list}}`,
  ],
  ['a schema', `"text":{"format":{"type":"json_schema","schema":{"const":${list}}}}`, `{"const":${list}}`],
])('responses keep the digits of %s', (_what, fields, kept) => {
  expect(sent('responses', fields)).toContain(kept);
});

it('agents keep the digits of the parameters that only a tool knows', () => {
  const fields = `"tools":[{"type":"mcp","name":"f","runtime_params":{"tool_params":{"id":${list}}}}]`;
  expect(sent('agents', fields)).toContain(fields);
});

it('documented numbers are what they come to', () => {
  expect(sent('chat', '"temperature":1.0,"max_tokens":5e1,"n":1.0,"top_p":0.50,"seed":-0')).toContain(
    '"max_tokens":50,"temperature":1,"n":1,"top_p":0.5,"seed":0',
  );
});

it('a number is no object, wherever one belongs', () => {
  for (const field of ['metadata', 'response_format', 'logit_bias', 'extended_thinking', 'stream_options']) {
    const body = parsed(JSON.stringify(bodies.chat({ [field]: '@@' })).replace('"@@"', '1.0'));
    expect(params(endpointsByKind.chat, body)).toContain(field);
  }
  for (const items of ['messages', 'tools']) {
    const body = parsed(JSON.stringify(bodies.chat({ [items]: ['@@'] })).replace('"@@"', '1.0'));
    expect(params(endpointsByKind.chat, body)).toContain(`${items}.0`);
  }
  const documents = parsed(JSON.stringify(bodies.rerank({ documents: ['@@'] })).replace('"@@"', '1.0'));
  expect(params(endpointsByKind.rerank, documents)).toContain('documents.0');
});

it('one of two sampling fields is left out by what their numbers come to', () => {
  const body = parsed(
    `{"model":"m","messages":[{"role":"user","content":"-"}],"temperature":0.50,"top_p":1.0,"x":1.0}`,
  );
  const result = withOneOfSampling(accepted(endpointsByKind.chat, body));
  if (result instanceof Refusal) throw new Error(result.message);
  expect(JSON.stringify(result.body)).toBe(
    '{"model":"m","messages":[{"role":"user","content":"-"}],"temperature":0.5,"x":1.0}',
  );
});
