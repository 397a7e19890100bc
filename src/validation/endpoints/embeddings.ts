import { z } from 'zod';
import type { Refusal } from '../../base/refusal.ts';
import type { Endpoint, JsonObject, JsonValue, ValidRequest } from '../../base/request.ts';
import { schemaOf, documented, textIn } from '../documented.ts';
import { anything, hasLength, model, optionalChoice, optionalFlag, requiredTextOf } from '../fields.ts';
import { Findings, joinPath } from '../findings.ts';

/** OpenAI's bound. Heroku's is 96: more go as several requests. */
const maxInputs = 2_048;
const maxInputCharacters = 2048;
const inputExpectation = `must be a string of 1 to ${maxInputCharacters} characters`;

/** Dev Center, heroku-inference-api-v1-embeddings. */
const embeddingFields = documented({
  model,
  input: anything,
  input_type: optionalChoice(['search_document', 'search_query', 'classification', 'clustering']),
  // The OpenAI SDKs' `float` is Heroku's `raw`.
  encoding_format: optionalChoice(['raw', 'base64', 'float']),
  embedding_type: optionalChoice(['float', 'int8', 'uint8', 'binary', 'ubinary']),
  allow_ignored_params: optionalFlag,
});

const toolInputSchema = requiredTextOf(1, maxInputCharacters);
const bodySchema = schemaOf(embeddingFields, {
  input: z.union([toolInputSchema, z.array(toolInputSchema).min(1).max(maxInputs)]),
});

const responseSchema = z.looseObject({
  object: z.string(),
  data: z.array(z.looseObject({ index: z.int(), embedding: z.union([z.array(z.number()), z.string()]) })),
  model: z.string(),
  usage: z.looseObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

/** `POST /v1/embeddings`. */
export const embeddings: Endpoint = {
  path: '/v1/embeddings',
  modelKind: 'embeddings',
  answerFormat: 'openai',
  docs: {
    summary: 'Turn texts into vectors',
    body: bodySchema,
    answer: responseSchema,
    streams: false,
  },
  minimalBody: { model: 'any', input: '-' },
  defaultAllow: ['input'],
  fieldAliases: [],
  validate(body: JsonObject): ValidRequest | Refusal {
    const findings = new Findings();
    findings.fields(embeddingFields, body, '');
    checkInput(body['input'], findings);
    return (
      findings.refusal() ?? {
        endpoint: embeddings,
        model: textIn(body, 'model'),
        stream: false,
        body: body['encoding_format'] === 'float' ? { ...body, encoding_format: 'raw' } : body,
        outputBound: 0,
        choices: 1,
        images: 0,
        imageParts: 0,
        imageUrlBytes: 0,
        remoteTools: [],
      }
    );
  },
};

function checkInput(input: JsonValue | undefined, findings: Findings): void {
  if (typeof input === 'string') {
    if (!hasLength(input, 1, maxInputCharacters)) findings.add('input', inputExpectation);
    return;
  }
  const strings = findings.list(input, 'input', { min: 1, max: maxInputs, of: 'strings, or one string' });
  for (const [index, item] of (strings ?? []).entries()) {
    if (typeof item === 'string' && hasLength(item, 1, maxInputCharacters)) continue;
    findings.add(joinPath('input', index), inputExpectation);
  }
}
