import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatModelsIn, dataOf, nothingYet, withChunk } from '../../../console/chat.ts';

/** A body that comes in pieces, and whether its reader has given it up. */
function bodyOf(pieces: readonly Uint8Array<ArrayBuffer>[]): {
  body: ReadableStream<Uint8Array>;
  isGivenUp: () => boolean;
} {
  let isGivenUp = false;
  const left = [...pieces];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece) controller.enqueue(piece);
      else controller.close();
    },
    cancel() {
      isGivenUp = true;
    },
  });
  return { body, isGivenUp: () => isGivenUp };
}

async function read(body: ReadableStream<Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for await (const data of dataOf(body)) found.push(data);
  return found;
}

describe('the data of a stream', () => {
  it('is the same however the bytes come, with any line ends, amid characters of several bytes', async () => {
    const bytes = new TextEncoder().encode(
      'event: x\r\ndata: {"a":"žluťoučký 👋"}\r\n\r\ndata:2\n\n: note\ndata: [DONE]\n\n',
    );
    const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const edges = [0, ...at.toSorted((a, b) => a - b), bytes.length];
        const pieces = edges.slice(1).map((end, n) => bytes.slice(edges[n], end));
        const { body } = bodyOf(pieces.filter(({ length }) => length > 0));
        expect(await read(body)).toEqual(['{"a":"žluťoučký 👋"}', '2', '[DONE]']);
      }),
    );
  });

  it('gives the body up once nobody reads on', async () => {
    const { body, isGivenUp } = bodyOf(
      Array.from({ length: 100 }, () => new TextEncoder().encode('data: 1\n\n')),
    );
    for await (const data of dataOf(body)) {
      expect(data).toBe('1');
      break;
    }
    expect(isGivenUp()).toBe(true);
  });
});

describe('an answer in pieces', () => {
  it('grows by text, calls of tools and usage', () => {
    const chunks = [
      { model: 'claude', choices: [{ delta: { content: 'Hel' } }] },
      { choices: [{ delta: { content: 'lo' } }] },
      { choices: [{ delta: { tool_calls: [{ index: 1, function: { name: 'now', arguments: '{"z' } }] } }] },
      { choices: [{ delta: { tool_calls: [{ index: 1, function: { arguments: 'one":1}' } }] } }] },
      { choices: [], usage: { total_tokens: 3 } },
    ];
    expect(chunks.reduce(withChunk, { ...nothingYet, requestId: 'r1' })).toEqual({
      text: 'Hello',
      toolCalls: [{ index: 1, name: 'now', arguments: '{"zone":1}' }],
      usage: { total_tokens: 3 },
      model: 'claude',
      requestId: 'r1',
    });
  });
});

describe('the models to choose from', () => {
  it('are those that chat, as far as their names tell; all if none does', () => {
    const ours = ['nova-pro', 'a-name-of-ours'];
    expect(chatModelsIn(['cohere-embed', ...ours, 'stable-image-ultra'])).toEqual(ours);
    expect(chatModelsIn(['cohere-embed'])).toEqual(['cohere-embed']);
    expect(chatModelsIn([])).toEqual([]);
  });
});
