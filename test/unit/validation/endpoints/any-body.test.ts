import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Endpoint, type JsonObject, type JsonValue, sentTo } from '../../../../src/base/request.ts';
import { Refusal } from '../../../../src/base/refusal.ts';
import { parseJson } from '../../../../src/validation/parse-json.ts';
import { endpoints } from '../../../../src/validation/registry.ts';
import { maxOutputTokens } from '../verdict.ts';

type Arbitrary = fc.Arbitrary<JsonValue>;

const json = fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as JsonValue);

/** Nearly always what belongs there, sometimes anything. */
function mostly(usual: Arbitrary): Arbitrary {
  return fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: json });
}

/** An object with some of the fields, and always those that are required. */
function object(fields: Record<string, Arbitrary>, requiredKeys: string[] = []): fc.Arbitrary<JsonObject> {
  return fc.record(fields, { requiredKeys });
}

const text = mostly(fc.string());
const textPart = object({ type: fc.constant('text'), text, x: json }, ['type', 'text']);
const imagePart = object({ type: fc.constant('image_url'), image_url: object({ url: text }, ['url']) }, [
  'type',
  'image_url',
]);
const toolCall = object({ id: text, function: object({ name: text, arguments: json }, ['name']) }, [
  'function',
]);
const tool = object(
  { type: fc.constantFrom('function', 'mcp'), function: object({ name: text }, ['name']) },
  ['type', 'function'],
);
const message = object(
  {
    role: mostly(fc.constantFrom('system', 'user', 'user', 'user', 'assistant')),
    content: mostly(fc.oneof(fc.string(), fc.array(fc.oneof(textPart, imagePart), { maxLength: 3 }))),
    tool_calls: fc.array(toolCall, { maxLength: 2 }),
  },
  ['role', 'content'],
);
/** What fields hold that more than one endpoint has, or that may be worth varying; another is as in its minimal body. */
const usualFields: Record<string, Arbitrary> = {
  model: fc.constant('m'),
  messages: mostly(fc.array(message, { minLength: 1, maxLength: 3 })),
  max_tokens: mostly(fc.nat(1_000_000)),
  stop: mostly(fc.array(fc.string(), { maxLength: 3 })),
  n: mostly(fc.integer({ min: 1, max: 10 })),
  tools: mostly(fc.array(tool, { maxLength: 3 })),
  tool_choice: mostly(fc.constantFrom<JsonValue[]>('auto', 'none', null, { type: 'auto' }, { type: 'none' })),
  extended_thinking: mostly(object({ enabled: fc.boolean(), budget_tokens: fc.nat(10_000) })),
  input: mostly(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 })),
  prompt: mostly(fc.string({ minLength: 1 })),
  encoding_format: mostly(fc.constantFrom('raw', 'float', 'base64')),
  size: mostly(fc.constant('1024x1024')),
  query: mostly(fc.string({ minLength: 1 })),
  documents: mostly(fc.array(fc.string(), { minLength: 1, maxLength: 3 })),
  top_n: mostly(fc.integer({ min: 1, max: 3 })),
  system: mostly(fc.string()),
  thinking: mostly(fc.constantFrom<JsonValue[]>({ type: 'adaptive' }, { type: 'disabled' })),
  x: json,
};

const inputPart = object(
  { type: fc.constantFrom('input_text', 'output_text'), text, annotations: json, x: json },
  ['type', 'text'],
);
const inputImage = object({ type: fc.constant('input_image'), image_url: text }, ['type', 'image_url']);
const inputMessage = object(
  {
    role: mostly(fc.constantFrom('system', 'developer', 'user', 'assistant')),
    content: mostly(fc.oneof(fc.string(), fc.array(fc.oneof(inputPart, inputImage), { maxLength: 3 }))),
    id: text,
    x: json,
  },
  ['role', 'content'],
);
const inputCall = fc
  .record({ name: fc.string({ minLength: 1 }), given: fc.json({ maxDepth: 2 }), output: fc.string() })
  .map(({ name, given, output }): JsonValue[] => [
    { type: 'function_call', call_id: 'c', name, arguments: `{"a":${given}}` },
    { type: 'function_call_output', call_id: 'c', output },
  ]);
const ownTool = object({ type: fc.constantFrom('function', 'custom'), name: text, parameters: json }, [
  'type',
  'name',
]);
/** The same for the endpoint whose requests are sent as chats. */
const responseFields: Record<string, Arbitrary> = {
  model: fc.constant('m'),
  input: mostly(
    fc.oneof(
      fc.string(),
      fc
        .array(
          fc.oneof(
            inputMessage.map((each): JsonValue[] => [each]),
            inputCall,
          ),
          {
            minLength: 1,
            maxLength: 3,
          },
        )
        .map((items) => items.flat()),
    ),
  ),
  instructions: mostly(fc.string()),
  max_output_tokens: mostly(fc.integer({ min: 1, max: 1_000 })),
  tools: mostly(fc.array(ownTool, { maxLength: 3 })),
  tool_choice: mostly(fc.constantFrom('auto', 'none')),
  text: mostly(fc.constantFrom<JsonValue[]>({}, { format: { type: 'json_object' } })),
  stop: mostly(fc.array(fc.string(), { maxLength: 3 })),
  x: json,
};

function bodyFor({ minimalBody, sentAs }: Endpoint): fc.Arbitrary<JsonObject> {
  const fields = sentAs === undefined ? usualFields : responseFields;
  const required = Object.entries(minimalBody).map(([name, value]) => [
    name,
    fields[name] ?? fc.constant(value),
  ]);
  return object({ ...fields, ...Object.fromEntries(required) }, Object.keys(minimalBody));
}

describe.each([...endpoints])('$path', (endpoint) => {
  const body = bodyFor(endpoint);

  it('has an answer to any JSON object', () => {
    fc.assert(
      fc.property(fc.oneof(body, fc.dictionary(fc.string(), json)), (value) => {
        const verdict = endpoint.validate(value, maxOutputTokens);
        if (!(verdict instanceof Refusal)) return;
        expect(verdict.status).toBe(400);
        const told = verdict.details.problems ?? [];
        expect(told.length).toBeGreaterThan(0);
        expect(told.length).toBeLessThanOrEqual(50);
        expect(verdict.details.param).toBe(told[0]?.param);
        expect(new Set(told.map(({ param }) => param)).size).toBe(told.length);
      }),
    );
  });

  it('sends on what it would accept again, unchanged', () => {
    let accepted = 0;
    fc.assert(
      fc.property(body, (value) => {
        const read = parseJson(Buffer.from(JSON.stringify(value)));
        if (read instanceof Refusal) return;
        const verdict = endpoint.validate(read, maxOutputTokens);
        if (verdict instanceof Refusal) return;
        accepted++;
        const sent = parseJson(Buffer.from(JSON.stringify(verdict.body)));
        if (sent instanceof Refusal) throw new Error(sent.message);
        const { translation: _, adjusted: __, ...request } = verdict;
        const again = { ...request, endpoint: sentTo(endpoint), body: sent };
        expect(sentTo(endpoint).validate(sent, maxOutputTokens)).toEqual(again);
        expect(JSON.stringify(sent)).toBe(JSON.stringify(verdict.body));
      }),
      { numRuns: 500 }, // one in seven is accepted at the strictest endpoint
    );
    expect(accepted).toBeGreaterThan(20);
  });
});
