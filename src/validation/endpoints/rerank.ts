import { z } from 'zod';
import { type JsonValue, isJsonObject } from '../../base/request.ts';
import { schemaOf, documented } from '../documented.ts';
import { endpointOf } from '../endpoint.ts';
import { anything, model, optionalFlag, optionalInteger, requiredText, requiredTextOf } from '../fields.ts';
import { type Findings, joinPath } from '../findings.ts';

const maxDocuments = 1_000;
/** Cohere bills a query with up to so many documents as one search. */
const documentsPerSearch = 100;

/** Dev Center, heroku-inference-api-v1-rerank; below the line, what clients of Cohere send as well. */
const fields = documented({
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

/** `POST /v1/rerank`. */
export const rerank = endpointOf({
  path: '/v1/rerank',
  modelKind: 'rerank',
  answerFormat: 'cohere',
  docs: {
    summary: 'Sort texts by how well they answer a query',
    details: 'Billed in search units. Limits on tokens count its text.',
    body: schemaOf(fields, {
      documents: z
        .array(z.union([z.string(), schemaOf(documentFields)]))
        .min(1)
        .max(maxDocuments),
    }),
    answer: z.looseObject({
      results: z.array(z.looseObject({ index: z.int(), relevance_score: z.number() })),
      meta: z.looseObject({ billed_units: z.looseObject({ search_units: z.int() }) }),
    }),
    streams: false,
  },
  minimalBody: { model: 'any', query: '-', documents: ['-'] },
  defaultAllow: ['query', 'documents'],
  fieldAliases: [],
  fields,
  check: (body, findings) => checkDocuments(body['documents'], findings),
  describe(request, count) {
    request.searchUnits = Math.ceil(count / documentsPerSearch);
  },
});

/** Strings, or objects with a text, as Cohere's earlier clients send them. Returns how many there are. */
function checkDocuments(value: JsonValue | undefined, findings: Findings): number {
  const documents = findings.list(value, 'documents', { min: 1, max: maxDocuments, of: 'strings' });
  for (const [index, item] of documents.entries()) {
    if (findings.full) break;
    if (typeof item === 'string') continue;
    const path = joinPath('documents', index);
    if (isJsonObject(item)) findings.fields(documentFields, item, path);
    else findings.add(path, 'must be a string');
  }
  return documents.length;
}
