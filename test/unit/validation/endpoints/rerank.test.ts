import { expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/request.ts';
import { rerank } from '../../../../src/validation/endpoints/rerank.ts';
import { accepted, params, times } from '../verdict.ts';

const body = (more: JsonObject = {}): JsonObject => ({ model: 'm', query: 'q', documents: ['a'], ...more });

it.each<[JsonObject, number]>([
  [{}, 1],
  [{ top_n: 1, return_documents: true, rank_fields: ['text'] }, 1],
  [{ documents: [{ text: 'a', id: 7 }, 'b'] }, 1],
  [{ documents: times(100, 'a') }, 1],
  [{ documents: times(101, 'a') }, 2],
  [{ documents: times(1_000, 'a') }, 10],
])('a body may have %j', (more, searchUnits) => {
  expect(accepted(rerank, body(more))).toMatchObject({
    body: body(more),
    searchUnits,
    outputBound: 0,
    stream: false,
  });
});

it.each<[JsonObject, string[]]>([
  [{ query: '' }, ['query']],
  [{ query: null }, ['query']],
  [{ documents: 'a' }, ['documents']],
  [{ documents: [] }, ['documents']],
  [{ documents: times(1_001, 'a') }, ['documents']],
  [
    { documents: ['a', 7, { title: 'x' }, { text: 'x', Text: 'y' }] },
    ['documents.1', 'documents.2.text', 'documents.3.Text'],
  ],
  [{ top_n: 0 }, ['top_n']],
  [{ Top_N: 1 }, ['Top_N']],
])('a body may not have %j', (more, expected) => {
  expect(params(rerank, body(more))).toEqual(expected);
});
