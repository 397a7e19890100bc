import type { JsonObject, JsonValue } from '../base/request.ts';
import { type Answer, errorAnswer, type StandInEndpoint } from './answer.ts';

/** POST /v1/rerank. A document with more words of the query is more relevant. */
export const rerank: StandInEndpoint = {
  required: ['model', 'query', 'documents'],
  optional: ['top_n'],
  answer: answerRerank,
  examples: [
    {
      title: 'A rerank',
      body: {
        model: 'cohere-rerank-3-5',
        query: 'Where do ships turn?',
        documents: ['a bakery', 'the lighthouse where ships turn'],
      },
    },
  ],
};

function answerRerank(body: JsonObject): Answer {
  const { query, documents, top_n: topN } = body;
  if (typeof query !== 'string') return errorAnswer(400, 'query: expected a string');
  if (!Array.isArray(documents) || documents.length === 0 || documents.length > 1_000) {
    return errorAnswer(400, 'documents: expected 1 to 1000 strings');
  }
  const words = wordSet(query);
  const results = documents
    .map((document, index) => ({ index, relevance_score: relevance(textOf(document), words) }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, typeof topN === 'number' ? topN : documents.length);
  const meta = {
    api_version: { version: '2' },
    billed_units: { search_units: Math.ceil(documents.length / 100) },
  };
  return { status: 200, json: { id: 'rerank-stand-in', results, meta } };
}

function relevance(text: string, query: ReadonlySet<string>): number {
  const words = wordSet(text);
  const shared = [...query].filter((word) => words.has(word)).length;
  return Math.round((1_000 * shared) / Math.max(1, query.size)) / 1_000;
}

function wordSet(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().match(/\p{L}+/gu));
}

function textOf(document: JsonValue): string {
  return typeof document === 'string' ? document : JSON.stringify(document);
}
