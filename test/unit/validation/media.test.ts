import { describe, expect, it } from 'vitest';
import type { Endpoint, JsonObject, JsonValue } from '../../../src/base/request.ts';
import { estimateInput } from '../../../src/limits/reservation.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';
import { embeddings } from '../../../src/validation/endpoints/embeddings.ts';
import { messages } from '../../../src/validation/endpoints/messages.ts';
import { growth, linear } from '../../support/growth.ts';
import { accepted } from './verdict.ts';

/** 1.2 MB, in base64 1.6 MB. */
const encoded = Buffer.alloc(1_200_000, 'PDF and other bytes').toString('base64');
const prose = 'Long plain text, of words. '.repeat(60_000);
/** All of it could be base64. */
const letters = 'x'.repeat(1_600_000);

function estimateOf(endpoint: Endpoint, body: JsonObject): number {
  const valid = accepted(endpoint, { ...endpoint.minimalBody, ...body });
  return estimateInput(Buffer.byteLength(JSON.stringify(valid.body)), valid);
}

const estimateFor = (endpoint: Endpoint, content: JsonValue, role = 'user'): number =>
  estimateOf(endpoint, {
    messages: [{ role, content, ...(role === 'tool' ? { tool_call_id: 'call_1' } : {}) }],
  });
const inChat = (part: JsonObject): number => estimateFor(chat, [part]);
const inMessages = (block: JsonObject): number => estimateFor(messages, [block]);
const source = (type: string, data: string, mediaType: string): JsonObject => ({
  source: { type, media_type: mediaType, data },
});

const document = 20_000;
const recording = 6_000;
const image = 1_600;
const text = 300_000;

describe('base64 is estimated as what it encodes', () => {
  it.each<[string, number, number]>([
    [
      'a PDF as a data URL',
      inChat({
        type: 'file',
        file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${encoded}` },
      }),
      document,
    ],
    ['a PDF as bare base64', inChat({ type: 'file', file: { file_data: encoded } }), document],
    [
      'a PDF in lines',
      inChat({ type: 'file', file: { file_data: encoded.replaceAll(/.{76}/g, '$&\r\n') } }),
      document,
    ],
    [
      'a PDF in the URL alphabet',
      inChat({ type: 'file', file: { file_data: encoded.replaceAll('+', '-').replaceAll('/', '_') } }),
      document,
    ],
    [
      'a data URL with parameters',
      inChat({ type: 'file', file: { file_data: `data:application/pdf;name=a.pdf;base64,${encoded}` } }),
      document,
    ],
    ['audio', inChat({ type: 'input_audio', input_audio: { data: encoded, format: 'wav' } }), recording],
    [
      'audio as a data URL',
      inChat({ type: 'audio_url', audio_url: { url: `data:audio/wav;base64,${encoded}` } }),
      recording,
    ],
    [
      'a film',
      inChat({ type: 'video_url', video_url: { url: `data:video/mp4;base64,${encoded}` } }),
      recording,
    ],
    [
      'an image',
      inChat({ type: 'image_url', image_url: { url: `data:image/png;base64,${encoded}` } }),
      image,
    ],
    [
      'an image whose URL stands alone',
      inChat({ type: 'input_image', image_url: `data:image/png;base64,${encoded}` }),
      image,
    ],
    [
      'an image that is told as a file',
      inChat({ type: 'file', file: { file_data: `data:image/png;base64,${encoded}` } }),
      image,
    ],
    [
      "an image in the words of Google's API",
      inChat({ type: 'inline', inline_data: { mime_type: 'image/png', data: encoded } }),
      image,
    ],
    [
      "an image in the words of Bedrock's API",
      inChat({ type: 'x', image: { format: 'png', source: { bytes: encoded } } }),
      image,
    ],
    ['an image of an MCP tool', inChat({ type: 'image', data: encoded, mimeType: 'image/png' }), image],
    [
      'a resource of an MCP tool',
      inChat({ type: 'resource', resource: { uri: 'a', mimeType: 'application/pdf', blob: encoded } }),
      document,
    ],
    [
      'an image that a tool gave',
      estimateFor(
        chat,
        [{ type: 'image_url', image_url: { url: `data:image/png;base64,${encoded}` } }],
        'tool',
      ),
      image,
    ],
    [
      "Anthropic's document",
      inMessages({ type: 'document', ...source('base64', encoded, 'application/pdf') }),
      document,
    ],
    ["Anthropic's image", inMessages({ type: 'image', ...source('base64', encoded, 'image/png') }), image],
    [
      'both inside a tool result',
      inMessages({
        type: 'tool_result',
        tool_use_id: 't',
        content: [
          { type: 'document', ...source('base64', encoded, 'application/pdf') },
          { type: 'image', ...source('base64', encoded, 'image/png') },
        ],
      }),
      document + image,
    ],
    [
      'a document that a tool of the upstream fetched',
      inMessages({
        type: 'web_fetch_tool_result',
        tool_use_id: 't',
        content: {
          type: 'web_fetch_result',
          content: { type: 'document', ...source('base64', encoded, 'application/pdf') },
        },
      }),
      document,
    ],
    [
      'an image inside the content of a document',
      inMessages({
        type: 'document',
        source: { type: 'content', content: [{ type: 'image', ...source('base64', encoded, 'image/png') }] },
      }),
      image,
    ],
    [
      'images of embeddings',
      estimateOf(embeddings, {
        images: [`data:image/png;base64,${encoded}`, `data:image/png;base64,${encoded}`],
      }),
      2 * image,
    ],
    [
      'an image among the inputs of embeddings',
      estimateOf(embeddings, {
        inputs: [
          { content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${encoded}` } }] },
        ],
      }),
      image,
    ],
  ])('%s', (_, estimate, tokens) => {
    expect(estimate).toBeGreaterThanOrEqual(tokens);
    expect(estimate).toBeLessThan(tokens + 200);
  });

  it('a text by the bytes of the text', () => {
    const asFile = { type: 'file', file: { file_data: `data:text/csv;base64,${encoded}` } };
    expect(inChat(asFile)).toBeGreaterThanOrEqual(text);
    expect(inChat(asFile)).toBeLessThan(text + 200);
    expect(inMessages({ type: 'document', ...source('base64', encoded, 'text/plain') })).toBeLessThan(
      text + 200,
    );
    expect(
      inChat({ type: 'file', file: { file_data: `data:application/ld+json;base64,${encoded}` } }),
    ).toBeGreaterThanOrEqual(text);
  });

  it('a small one by its size', () => {
    const small = Buffer.alloc(12_000).toString('base64');
    const estimate = inMessages({ type: 'document', ...source('base64', small, 'application/pdf') });
    expect(estimate).toBeGreaterThanOrEqual(1_000);
    expect(estimate).toBeLessThan(1_100);
  });

  it('what the upstream fetches as an image', () => {
    const url = 'https://a.example/b';
    for (const estimate of [
      inChat({ type: 'image_url', image_url: { url } }),
      inChat({ type: 'file', file: { file_id: 'file_1' } }),
      inMessages({ type: 'document', source: { type: 'url', url } }),
      inMessages({ type: 'image', source: { type: 'file', file_id: 'file_1' } }),
    ]) {
      expect(estimate).toBeGreaterThanOrEqual(image);
      expect(estimate).toBeLessThan(image + 100);
    }
  });
});

describe('what a model reads as text is text, whatever it looks like', () => {
  it.each<[string, number]>([
    ['a message', estimateFor(chat, letters)],
    ['a message of base64', estimateFor(chat, encoded)],
    ['a message that is a data URL', estimateFor(chat, `data:image/png;base64,${encoded}`)],
    ['a part', inChat({ type: 'text', text: letters })],
    ['a part that is a data URL', inChat({ type: 'text', text: `data:image/png;base64,${encoded}` })],
    ['words where base64 belongs', inChat({ type: 'file', file: { file_data: prose } })],
    [
      'words where base64 is said to be',
      inChat({ type: 'file', file: { file_data: `data:application/pdf;base64,${prose}` } }),
    ],
    [
      'a data URL without base64',
      inChat({ type: 'file', file: { file_data: `data:text/plain,${letters}` } }),
    ],
    ['letters of a part of no known kind', inChat({ type: 'words', words: letters })],
    ["a tool's output", estimateFor(chat, letters, 'tool')],
    ['a result that is one text', inMessages({ type: 'tool_result', tool_use_id: 't', content: letters })],
    [
      'a result that is a data URL',
      inMessages({ type: 'tool_result', tool_use_id: 't', content: `data:image/png;base64,${encoded}` }),
    ],
    ['a document in plain text', inMessages({ type: 'document', ...source('text', letters, 'text/plain') })],
    [
      'the title of a document',
      inMessages({ type: 'document', title: letters, ...source('base64', 'QUJD', 'application/pdf') }),
    ],
    [
      'the context of a document',
      inMessages({ type: 'document', context: letters, ...source('base64', 'QUJD', 'application/pdf') }),
    ],
    [
      'the text inside a document',
      inMessages({
        type: 'document',
        source: { type: 'content', content: [{ type: 'text', text: letters }] },
      }),
    ],
    [
      'what a tool is called with',
      inMessages({ type: 'tool_use', id: 't', name: 'write_file', input: { data: encoded, type: 'file' } }),
    ],
    ['what was thought', inMessages({ type: 'thinking', thinking: '', signature: encoded })],
    ['what was thought in secret', inMessages({ type: 'redacted_thinking', data: encoded })],
    [
      'what a search found, sealed',
      inMessages({
        type: 'web_search_tool_result',
        tool_use_id: 't',
        content: [{ type: 'web_search_result', url: 'https://a.example', encrypted_content: encoded }],
      }),
    ],
    ['the input of embeddings', estimateOf(embeddings, { other: letters })],
  ])('%s', (_, estimate) => {
    expect(estimate).toBeGreaterThanOrEqual(1_600_000 / 4);
  });
});

it.each([
  ['letters', (size: number) => 'A'.repeat(size)],
  ['letters and a last word', (size: number) => `${'A'.repeat(size)} no`],
  ['signs of an end', (size: number) => '='.repeat(size)],
  ['line ends and a last word', (size: number) => `AAAA${'\n'.repeat(size)}no`],
  ['lines', (size: number) => 'AAAA\n'.repeat(size / 5)],
  ['beginnings of data URLs', (size: number) => 'data:;'.repeat(size / 6)],
])('is found in linear time among %s', (_, of) => {
  const prepare = (amount: number): (() => number) => {
    const part = { type: 'file', file: { file_data: of(500_000 * amount) } };
    return () => inChat(part);
  };
  expect(growth(prepare)).toBeLessThan(linear);
});
