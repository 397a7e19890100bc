import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../base/request.ts';
import { type Answer, errorAnswer, type StandInEndpoint } from './answer.ts';

/** Short, so that the demo's answer fits a terminal; Cohere's vectors have 1,024 numbers. */
const dimensions = 8;

/** POST /v1/embeddings. The same text always gets the same vector. */
export const embeddings: StandInEndpoint = {
  required: ['model', 'input'],
  optional: ['input_type', 'encoding_format', 'embedding_type'],
  answer: answerEmbeddings,
  examples: [
    { title: 'Embeddings', body: { model: 'cohere-embed-multilingual', input: ['hello', 'world'] } },
  ],
};

function answerEmbeddings(body: JsonObject): Answer {
  const problem = valueProblem(body);
  if (problem !== null) return errorAnswer(400, problem);
  const inputs = textsOf(body['input']);
  const promptTokens = Math.ceil(inputs.join('').length / 4);
  return {
    status: 200,
    json: {
      object: 'list',
      data: inputs.map((text, index) => ({ object: 'embedding', index, embedding: embed(text, body) })),
      model: body['model'] ?? null,
      usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
    },
  };
}

function valueProblem(body: JsonObject): string | null {
  const { encoding_format: encoding = 'raw', input } = body;
  // Not `float`, which is what the OpenAI SDKs call it.
  if (encoding !== 'raw' && encoding !== 'base64') return 'encoding_format: expected raw or base64';
  const count = Array.isArray(input) ? input.length : 1;
  const inputs = textsOf(input);
  if (inputs.length < count || count === 0) return 'input: expected a string or an array of strings';
  if (count > 96) return 'input: expected at most 96 strings';
  return inputs.every((text) => text.length <= 2048)
    ? null
    : 'input: expected at most 2048 characters a string';
}

function textsOf(input: JsonValue | undefined): string[] {
  const values = Array.isArray(input) ? input : [input];
  return values.filter((value) => typeof value === 'string');
}

function embed(text: string, body: JsonObject): JsonValue {
  const digest = createHash('sha256').update(text).digest();
  const { encoding_format: encoding, embedding_type: type = 'float' } = body;
  if (type !== 'float') {
    const bytes = digest.subarray(0, dimensions);
    if (encoding === 'base64') return bytes.toString('base64');
    return type === 'int8' || type === 'binary' ? [...new Int8Array(bytes)] : [...bytes];
  }
  const floats = Float32Array.from({ length: dimensions }, (_, i) => digest.readInt16LE(2 * i) / 32_768);
  return encoding === 'base64' ? Buffer.from(floats.buffer).toString('base64') : [...floats];
}
