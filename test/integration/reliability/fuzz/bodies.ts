import * as fc from 'fast-check';
import { type EndpointKind, endpointKinds } from '../../../../src/validation/registry.ts';
import { bodies } from '../../../support/gateway-client.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A request body, good or bad, as bytes. */
export interface FuzzedBody {
  kind: EndpointKind;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Everything the endpoints document, so that mutations reach every check. */
const whole: Record<EndpointKind, Json> = {
  chat: {
    ...(bodies.chat() as { [name: string]: Json }),
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'image_url', image_url: { url: 'data:,x' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', content: 'ok', tool_call_id: 'c' },
    ],
    stop: ['x'],
    stream: false,
    temperature: 0.5,
    top_p: 0.9,
    tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } }],
    tool_choice: 'auto',
    n: 1,
    extended_thinking: { enabled: false },
    stream_options: { include_usage: true },
    metadata: { who: 'me' },
  },
  responses: {
    ...(bodies.responses() as { [name: string]: Json }),
    instructions: 'Be brief.',
    input: [
      { role: 'developer', content: 'Hi' },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'Hi' },
          { type: 'input_image', image_url: 'data:,x', detail: 'auto' },
        ],
      },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'So', annotations: [] }],
      },
      { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'custom_tool_call', call_id: 'd', name: 'g', input: 'x' },
      { type: 'function_call_output', call_id: 'c', output: 'ok' },
      { type: 'custom_tool_call_output', call_id: 'd', output: [{ type: 'input_text', text: 'ok' }] },
    ],
    stream: false,
    temperature: 0.5,
    top_p: 0.9,
    tools: [
      { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
      { type: 'custom', name: 'g', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } },
    ],
    tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
    text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' } } },
    reasoning: { effort: 'low' },
    metadata: { who: 'me' },
    store: false,
  },
  embeddings: {
    ...(bodies.embeddings() as { [name: string]: Json }),
    input: ['a', 'b'],
    input_type: 'search_query',
    encoding_format: 'float',
  },
  images: {
    ...(bodies.images() as { [name: string]: Json }),
    size: '1024x1024',
    seed: 7,
    n: 1,
    negative_prompt: 'no',
  },
  messages: {
    ...(bodies.messages() as { [name: string]: Json }),
    system: [{ type: 'text', text: 'Be brief.' }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } },
        ],
      },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'ok' }] },
    ],
    tools: [{ name: 'f', description: 'd', input_schema: { type: 'object' } }],
    tool_choice: { type: 'auto' },
    thinking: { type: 'disabled' },
    metadata: { user_id: 'me' },
    stop_sequences: ['x'],
  },
  rerank: { ...(bodies.rerank() as { [name: string]: Json }), top_n: 1 },
  agents: {
    ...(bodies.agents() as { [name: string]: Json }),
    tools: [{ type: 'heroku_tool', name: 'f', runtime_params: { target_app_name: 'app', max_calls: 1 } }],
  },
};

/** Stands for a text that JSON.stringify would not write. */
const raw = '@raw@';
const oddTexts = [
  '1e999',
  '-1e999',
  '-0',
  '01',
  '1.',
  '.5',
  '9007199254740993',
  '1e400',
  '0x10',
  'NaN',
  'Infinity',
  'undefined',
  "'x'",
  '"\\ud800"',
  '"\\u0000"',
  '"\\x41"',
  '"\n"',
  'tru',
  '[1,]',
  '{"a":1,}',
  '/**/1',
  '1_000',
  '12345678901234567890',
  `${'['.repeat(70)}${']'.repeat(70)}`,
  `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`,
];
const oddNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'Messages',
  'MODEL',
  'max_Tokens',
  'Stream',
  'unknown',
  '',
  'heroku_tool',
];

const leaf: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    raw,
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e15,
    2 ** 53,
    '',
    ' ',
    'x'.repeat(3_000),
    '\u{1f600}',
    '<script>',
    '../',
    [],
    {},
  ),
  fc.string({ maxLength: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

const edit = fc.record({
  at: fc.nat(200),
  how: fc.constantFrom('replace', 'remove', 'repeat', 'wrap', 'add'),
  value: leaf,
  name: fc.constantFrom(...oddNames),
});
type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never;

/** What is done to the bytes themselves. */
const damage = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ what: 'nothing' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('cut' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('behind' as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('inside' as const),
      at: fc.nat(2_000),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('before' as const),
      text: fc.constantFrom('\ufeff', ' \t\r\n', '\u0000', 'x='),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('twice' as const),
      name: fc.constantFrom('model', 'messages', 'max_tokens', 'input', 'n'),
    }),
  },
);
type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never;

export const anyBody: fc.Arbitrary<FuzzedBody> = fc
  .record({
    kind: fc.constantFrom(...endpointKinds),
    edits: fc.array(edit, { maxLength: 3 }),
    odd: fc.constantFrom(...oddTexts),
    damage,
  })
  .map(({ kind, edits, odd, damage: done }) => {
    const value = edits.reduce(edited, structuredClone(whole[kind]));
    const text = (JSON.stringify(value) ?? 'null').replaceAll(`"${raw}"`, odd);
    return { kind, bytes: damaged(text, done) };
  });

/** The value with one place in it changed. */
function edited(value: Json, { at, how, value: other, name }: Edit): Json {
  const places = placesIn(value);
  const place = places[at % Math.max(1, places.length)];
  if (!place) return other;
  const { holder, key } = place;
  const held = (holder as { [name: string]: Json })[key] ?? null;
  if (how === 'remove') Reflect.deleteProperty(holder, key);
  else if (how === 'repeat')
    setOwn(
      holder,
      key,
      Array.from({ length: 3 }, () => structuredClone(held)),
    );
  else if (how === 'wrap') setOwn(holder, key, { [key]: held });
  else if (how === 'add' && !Array.isArray(holder)) setOwn(holder, name, other);
  else setOwn(holder, key, other);
  return value;
}

/** As JSON.parse does: a `__proto__` becomes a member like any other. */
function setOwn(holder: object, key: string, value: Json): void {
  Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true });
}

function placesIn(value: Json): { holder: object; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, held]) => [{ holder: value, key }, ...placesIn(held)]);
}

function damaged(text: string, done: Damage): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(text);
  switch (done.what) {
    case 'nothing':
      return new Uint8Array(bytes);
    case 'cut':
      return new Uint8Array(bytes.subarray(0, Math.floor(bytes.length * done.share)));
    case 'behind':
      return new Uint8Array(Buffer.concat([bytes, done.bytes]));
    case 'inside': {
      const at = done.at % (bytes.length + 1);
      return new Uint8Array(Buffer.concat([bytes.subarray(0, at), done.bytes, bytes.subarray(at)]));
    }
    case 'before':
      return new Uint8Array(Buffer.from(done.text + text));
    case 'twice':
      return new Uint8Array(Buffer.from(text.replace('{', `{"${done.name}":"first",`)));
  }
}
