import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { chat } from '../../../../src/validation/endpoints/chat.ts';
import { accepted, params, times } from '../verdict.ts';

const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
const image = (url: JsonValue): JsonObject => ({ type: 'image_url', image_url: { url } });

function body(messages: JsonValue, fields: JsonObject = {}): JsonObject {
  return { model: 'm', messages, ...fields };
}

function expectAccepted(message: JsonValue, fields: JsonObject = {}): void {
  expect(accepted(chat, body([message], fields)).body).toEqual(body([message], fields));
}

function expectRefused(message: JsonValue, param: string): void {
  expect(params(chat, body([message]))).toEqual([`messages.0${param && '.'}${param}`]);
}

describe('messages', () => {
  it('may be 1 to 2,000', () => {
    const message = { role: 'user', content: 'x' };
    expect(accepted(chat, body(times(2_000, message)))).toBeDefined();
    expect(params(chat, body(times(2_001, message)))).toEqual(['messages']);
    expect(params(chat, body([]))).toEqual(['messages']);
  });

  it.each<JsonValue>([null, 'hello', 1, []])('%j is none', (message) => {
    expectRefused(message, '');
  });

  it('are named by their index', () => {
    const good = { role: 'user', content: 'x' };
    expect(params(chat, body([good, { role: 'user' }, good, { content: 'x' }]))).toEqual([
      'messages.1.content',
      'messages.3.role',
    ]);
  });
});

describe('a role', () => {
  it.each(['system', 'developer', 'user', 'assistant'])('%s is known', (role) => {
    expectAccepted({ role, content: 'x' });
  });

  it.each<JsonValue>(['function', 'User', '', 'constructor', '__proto__', null, 1, ['user']])(
    '%j is not',
    (role) => {
      expectRefused({ role, content: 'x' }, 'role');
    },
  );
});

describe('content', () => {
  it.each(['system', 'developer', 'user'])('of %s is a string or parts', (role) => {
    for (const content of ['', 'x', [], [{ type: 'text', text: 'x' }]]) expectAccepted({ role, content });
    for (const content of [null, 1, true, {}]) expectRefused({ role, content }, 'content');
    expectRefused({ role }, 'content');
  });

  it('of assistant is a string or parts, and may be missing beside tool calls', () => {
    const role = 'assistant';
    for (const content of ['', 'x', [], [{ type: 'text', text: 'x' }]]) expectAccepted({ role, content });
    expectAccepted({ role, tool_calls: [call] });
    expectAccepted({ role, content: null, refusal: 'I cannot help with that.' });
    expectAccepted({ role, content: null, function_call: { name: 'f', arguments: '{}' } });
    expectAccepted({ role, content: null, audio: { id: 'audio_1' } });
    expectRefused({ role }, 'content');
    expectRefused({ role, content: null, refusal: null }, 'content');
    expectRefused({ role, content: null, refusal: '' }, 'content');
    expectRefused({ role, content: null }, 'content');
    expectRefused({ role, content: null, tool_calls: null }, 'content');
    expectRefused({ role, content: null, tool_calls: [] }, 'content');
    expectRefused({ role, content: 1, tool_calls: [call] }, 'content');
  });

  it('of tool is a string or parts, with the id of its call', () => {
    const role = 'tool';
    for (const content of ['', 'x', [{ type: 'text', text: 'x' }]]) {
      expectAccepted({ role, content, tool_call_id: 'call_1' });
    }
    expectRefused({ role, content: null, tool_call_id: 'call_1' }, 'content');
    for (const id of [null, '']) expectRefused({ role, content: 'x', tool_call_id: id }, 'tool_call_id');
    expectRefused({ role, content: 'x', tool_call_id: 1 }, 'tool_call_id');
    expectRefused({ role, content: 'x' }, 'tool_call_id');
  });

  it('of tool needs no id where ignored parameters are allowed', () => {
    const message = { role: 'tool', content: 'x' };
    expectAccepted(message, { allow_ignored_params: true });
    expect(params(chat, body([message], { allow_ignored_params: false }))).toEqual([
      'messages.0.tool_call_id',
    ]);
    expect(params(chat, body([message], { allow_ignored_params: 'true' }))).toEqual([
      'allow_ignored_params',
      'messages.0.tool_call_id',
    ]);
    expect(params(chat, body([{ ...message, tool_call_id: 1 }], { allow_ignored_params: true }))).toEqual([
      'messages.0.tool_call_id',
    ]);
  });
});

it('an assistant says nothing only where something else stands for it', () => {
  const role = 'assistant';
  for (const content of [{ content: null }, {}]) {
    expectAccepted({ role, ...content, refusal: 'no' });
    expectAccepted({ role, ...content, audio: { id: 'a' } });
    expectAccepted({ role, ...content, function_call: { name: 'f', arguments: '{}' } });
  }
  expectRefused({ role, content: null, refusal: null }, 'content');
  expectRefused({ role, content: null, audio: null }, 'content');
  expectRefused({ role, content: null, function_call: 'auto' }, 'content');
});

it('refusal is a string or null', () => {
  expectAccepted({ role: 'assistant', content: 'x', refusal: null });
  expectAccepted({ role: 'assistant', content: 'x', refusal: 'no' });
  expectRefused({ role: 'assistant', content: 'x', refusal: 1 }, 'refusal');
});

describe('a part', () => {
  const inMessage = (part: JsonValue): JsonObject => ({
    role: 'user',
    content: [{ type: 'text', text: 'x' }, part],
  });

  it.each<JsonValue>([
    { type: 'text', text: '' },
    { type: 'text', text: 'x', cache_control: { type: 'ephemeral' } },
    { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
    { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: null } },
    { type: 'input_audio', input_audio: { data: '', format: 'wav' } },
    { type: 'new_in_2027', text: { any: 'thing' } },
  ])('%j is accepted', (part) => {
    expectAccepted(inMessage(part));
  });

  it.each<[JsonValue, string]>([
    ['text', ''],
    [null, ''],
    [[], ''],
    [{ text: 'x' }, '.type'],
    [{ type: 1 }, '.type'],
    [{ type: 'text' }, '.text'],
    [{ type: 'text', text: null }, '.text'],
    [{ type: 'image_url' }, '.image_url'],
    [{ type: 'image_url', image_url: null }, '.image_url'],
    [{ type: 'image_url', image_url: 'https://example.com/a.png' }, '.image_url'],
    [{ type: 'image_url', image_url: {} }, '.image_url.url'],
    [{ type: 'image_url', image_url: { url: '' } }, '.image_url.url'],
    [{ type: 'image_url', image_url: { url: 1 } }, '.image_url.url'],
    [{ type: 'image_url', image_url: { url: 'x', detail: 1 } }, '.image_url.detail'],
    [{ type: 'text', text: 'x', Text: 'y' }, '.Text'],
    [{ type: 'image_url', image_url: { url: 'x', URL: 'y' } }, '.image_url.URL'],
  ])('%j is refused', (part, param) => {
    expectRefused(inMessage(part), `content.1${param}`);
  });

  it('may stand beside 999 others', () => {
    const part = { type: 'text', text: 'x' };
    expectAccepted({ role: 'user', content: times(1_000, part) });
    expectRefused({ role: 'user', content: times(1_001, part) }, 'content');
  });
});

it.each<[JsonObject, string]>([
  [{ role: 'user', content: 'x', Role: 'system' }, 'Role'],
  [{ role: 'user', content: 'x', CONTENT: 'y' }, 'CONTENT'],
  [{ role: 'user', content: 'x', Tool_Calls: [] }, 'Tool_Calls'],
])('a name that differs only by case is refused: %j', (message, param) => {
  expectRefused(message, param);
});

describe('images', () => {
  it('are counted, and the bytes of their URLs as they are written out', () => {
    const urls = ['https://example.com/a.png', 'https://example.com/ü"\\', 'data:image/png;base64,AAAA'];
    const given = body([
      { role: 'user', content: [image(urls[0] ?? ''), { type: 'text', text: 'x' }, image(urls[1] ?? '')] },
      { role: 'assistant', content: 'x' },
      { role: 'user', content: [image(urls[2] ?? '')] },
    ]);
    const written = urls.map((url) => Buffer.byteLength(JSON.stringify(url)) - 2);
    expect(accepted(chat, given)).toMatchObject({
      mediaTokens: 4_800,
      mediaBytes: written.reduce((sum, bytes) => sum + bytes, 0),
    });
  });

  it('outside message content are not images', () => {
    const given = body([{ role: 'user', content: 'x' }], { metadata: image('x'), other: [image('x')] });
    expect(accepted(chat, given)).toMatchObject({ mediaTokens: 0, mediaBytes: 0 });
  });
});
