import { z } from 'zod';
import type { Refusal } from '../../base/refusal.ts';
import {
  type Endpoint,
  type JsonObject,
  type JsonValue,
  type ValidRequest,
  isJsonObject,
} from '../../base/request.ts';
import { schemaOf, documented, textIn } from '../documented.ts';
import { anything, model, optionalFlag, optionalInteger, requiredText, requiredTextOf } from '../fields.ts';
import { Findings, joinPath } from '../findings.ts';

const maxDocuments = 1_000;
/** What Cohere bills as one search: a query with up to so many documents. */
const documentsPerSearch = 100;

/** Dev Center, heroku-inference-api-v1-rerank; below the line, what clients of Cohere send beside it. */
const rerankFields = documented({
  model,
  query: requiredTextOf(1),
  documents: anything,
  top_n: optionalInteger(1),
  // —
  return_documents: optionalFlag,
  max_tokens_per_doc: optionalInteger(1),
  allow_ignored_params: optionalFlag,
});

const documentFields = documented({ text: requiredText });

const bodySchema = schemaOf(rerankFields, {
  documents: z
    .array(z.union([z.string(), schemaOf(documentFields)]))
    .min(1)
    .max(maxDocuments),
});

const responseSchema = z.looseObject({
  results: z.array(z.looseObject({ index: z.int(), relevance_score: z.number() })),
  meta: z.looseObject({ billed_units: z.looseObject({ search_units: z.int() }) }),
});

/** `POST /v1/rerank`. */
export const rerank: Endpoint = {
  path: '/v1/rerank',
  modelKind: 'rerank',
  answerFormat: 'cohere',
  docs: {
    summary: 'Sort texts by how well they answer a query',
    details: 'Counted in search units.',
    body: bodySchema,
    answer: responseSchema,
    streams: false,
  },
  minimalBody: { model: 'any', query: '-', documents: ['-'] },
  defaultAllow: ['query', 'documents'],
  fieldAliases: [],
  validate(body: JsonObject): ValidRequest | Refusal {
    const findings = new Findings();
    findings.fields(rerankFields, body, '');
    const count = checkDocuments(body['documents'], findings);
    return (
      findings.refusal() ?? {
        endpoint: rerank,
        model: textIn(body, 'model'),
        stream: false,
        body,
        outputBound: 0,
        choices: 1,
        images: 0,
        searchUnits: Math.ceil(count / documentsPerSearch),
        imageParts: 0,
        imageUrlBytes: 0,
        remoteTools: [],
      }
    );
  },
};

/** Strings, or objects with a text, as Cohere's earlier clients send them; how many. */
function checkDocuments(value: JsonValue | undefined, findings: Findings): number {
  const documents = findings.list(value, 'documents', { min: 1, max: maxDocuments, of: 'strings' }) ?? [];
  for (const [index, item] of documents.entries()) {
    if (findings.full) break;
    if (typeof item === 'string') continue;
    const path = joinPath('documents', index);
    if (isJsonObject(item)) findings.fields(documentFields, item, path);
    else findings.add(path, 'must be a string');
  }
  return documents.length;
}
