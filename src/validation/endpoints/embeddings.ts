import { z } from 'zod';
import type { JsonValue } from '../../base/request.ts';
import { schemaOf, documented } from '../documented.ts';
import { endpointOf } from '../endpoint.ts';
import {
  anything,
  hasLength,
  model,
  optionalFlag,
  requiredChoice,
  requiredTextOf,
  optional,
} from '../fields.ts';
import { type Findings, joinPath } from '../findings.ts';
import { countMediaBeside } from '../media.ts';

/** OpenAI's bound. Heroku's is 96: more are sent as several requests. */
const maxInputs = 2_048;
const maxInputCharacters = 2048;
const inputExpectation = `must be a string of 1 to ${maxInputCharacters} characters`;

/** Dev Center, heroku-inference-api-v1-embeddings. */
const fields = documented({
  model,
  input: anything,
  input_type: optional(requiredChoice(['search_document', 'search_query', 'classification', 'clustering'])),
  // The OpenAI SDKs' `float` is Heroku's `raw`.
  encoding_format: optional(requiredChoice(['raw', 'base64', 'float'])),
  embedding_type: optional(requiredChoice(['float', 'int8', 'uint8', 'binary', 'ubinary'])),
  allow_ignored_params: optionalFlag,
});

const inputSchema = requiredTextOf(1, maxInputCharacters);

/** `POST /v1/embeddings`. */
export const embeddings = endpointOf({
  path: '/v1/embeddings',
  modelKind: 'embeddings',
  answerFormat: 'openai-embeddings',
  docs: {
    summary: 'Turn texts into vectors',
    body: schemaOf(fields, { input: z.union([inputSchema, z.array(inputSchema).min(1).max(maxInputs)]) }),
    answer: z.looseObject({
      object: z.string(),
      data: z.array(z.looseObject({ index: z.int(), embedding: z.union([z.array(z.number()), z.string()]) })),
      model: z.string(),
      usage: z.looseObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
    }),
    streams: false,
  },
  minimalBody: { model: 'any', input: '-' },
  defaultAllow: ['input'],
  fieldAliases: [],
  fields,
  check: (body, findings) => checkInput(body['input'], findings),
  describe(request) {
    const { body } = request;
    countMediaBeside('input', request);
    if (body['encoding_format'] === 'float') request.body = { ...body, encoding_format: 'raw' };
  },
});

function checkInput(input: JsonValue | undefined, findings: Findings): void {
  if (typeof input === 'string') {
    if (!hasLength(input, 1, maxInputCharacters)) findings.add('input', inputExpectation);
    return;
  }
  const strings = findings.list(input, 'input', { min: 1, max: maxInputs, of: 'strings, or one string' });
  for (const [index, item] of strings.entries()) {
    if (typeof item === 'string' && hasLength(item, 1, maxInputCharacters)) continue;
    findings.add(joinPath('input', index), inputExpectation);
  }
}
