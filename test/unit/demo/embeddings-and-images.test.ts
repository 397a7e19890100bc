import { crc32, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/request.ts';
import { type Answer, answerTo } from '../../../src/demo/answer.ts';
import { embeddings } from '../../../src/demo/embeddings.ts';
import { images } from '../../../src/demo/images.ts';

const context = { id: '', createdS: 1_700_000_000, wordDelayMs: 0, longAnswers: false };

interface Embeddings {
  data: { index: number; embedding: number[] | string }[];
  usage: JsonObject;
}

function jsonOf(answer: Answer): unknown {
  if ('frames' in answer) throw new Error('Expected a plain answer.');
  return answer.json;
}

const statusOf = (answer: Answer): number => ('status' in answer ? answer.status : 0);
const embeddingsOf = (body: JsonObject): Embeddings =>
  jsonOf(answerTo(embeddings, { model: 'e', ...body }, context)) as Embeddings;

interface Images {
  created: number;
  data: { b64_json: string; revised_prompt: string }[];
}

const imagesOf = (body: JsonObject): Images =>
  jsonOf(answerTo(images, { model: 'i', ...body }, context)) as Images;

describe('embeddings', () => {
  it('come one for each input, the same for the same text', () => {
    const { data, usage } = embeddingsOf({ input: ['same', 'other', 'same'] });
    expect(data.map((each) => each.index)).toEqual([0, 1, 2]);
    expect(data[0]?.embedding).toHaveLength(8);
    expect(data[2]?.embedding).toEqual(data[0]?.embedding);
    expect(data[1]?.embedding).not.toEqual(data[0]?.embedding);
    expect(usage).toEqual({ prompt_tokens: 4, total_tokens: 4 });
    expect(embeddingsOf({ input: 'same' }).data[0]?.embedding).toEqual(data[0]?.embedding);
  });

  it('are the same numbers raw and as base64', () => {
    const [raw] = embeddingsOf({ input: 'a', encoding_format: 'raw' }).data;
    const [encoded] = embeddingsOf({ input: 'a', encoding_format: 'base64' }).data;
    const bytes = Buffer.from(String(encoded?.embedding), 'base64');
    expect([...new Float32Array(new Uint8Array(bytes).buffer)]).toEqual(raw?.embedding);
  });

  it.each([
    ['int8', -128, 127],
    ['binary', -128, 127],
    ['uint8', 0, 255],
    ['ubinary', 0, 255],
  ])('come as whole numbers with embedding_type %s', (type, min, max) => {
    const [{ embedding } = { embedding: [] }] = embeddingsOf({ input: 'a', embedding_type: type }).data;
    expect(embedding).toHaveLength(8);
    for (const number of Array.isArray(embedding) ? embedding : []) {
      expect(Number.isInteger(number) && number >= min && number <= max).toBe(true);
    }
  });

  it.each<[string, JsonObject]>([
    ['encoding_format float, as the OpenAI SDKs call it', { input: 'a', encoding_format: 'float' }],
    ['97 inputs', { input: Array.from({ length: 97 }, () => 'a') }],
    ['2049 characters', { input: 'a'.repeat(2049) }],
    ['no input', {}],
    ['an empty array', { input: [] }],
    ['a number', { input: [1] }],
    ['unknown fields', { input: 'a', dimensions: 8 }],
  ])('are refused for %s', (_, body) => {
    expect(statusOf(answerTo(embeddings, { model: 'e', ...body }, context))).toBe(400);
  });

  it('are given for 96 inputs of 2048 characters', () => {
    expect(embeddingsOf({ input: Array.from({ length: 96 }, () => 'a'.repeat(2048)) }).data).toHaveLength(96);
  });
});

describe('images', () => {
  it('are real PNGs', () => {
    const { created, data } = imagesOf({ prompt: 'a sunset' });
    expect(created).toBe(1_700_000_000);
    expect(data.map((each) => each.revised_prompt)).toEqual(['a sunset']);
    const png = Buffer.from(data[0]?.b64_json ?? '', 'base64');
    expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
    const chunks: Record<string, Buffer> = {};
    for (let at = 8; at < png.length;) {
      const length = png.readUInt32BE(at);
      const [typed, sum] = [png.subarray(at + 4, at + 8 + length), png.readUInt32BE(at + 8 + length)];
      expect(crc32(typed)).toBe(sum);
      chunks[typed.toString('latin1', 0, 4)] = typed.subarray(4);
      at += 12 + length;
    }
    expect(Object.keys(chunks)).toEqual(['IHDR', 'IDAT', 'IEND']);
    expect(inflateSync(chunks['IDAT'] ?? '')).toHaveLength(4);
  });

  it('come as many as asked for', () => {
    expect(imagesOf({ prompt: 'p', n: 3 }).data).toHaveLength(3);
  });

  it.each<[string, JsonObject]>([
    ['no prompt', {}],
    ['10,001 characters', { prompt: 'a'.repeat(10_001) }],
    ['unknown fields', { prompt: 'p', style: 'vivid' }],
  ])('are refused for %s', (_, body) => {
    expect(statusOf(answerTo(images, { model: 'i', ...body }, context))).toBe(400);
  });
});
