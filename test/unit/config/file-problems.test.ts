import { describe, expect, it } from 'vitest';
import { parseCatalogue } from '../../../src/config/catalogue.ts';
import { parseIssuers } from '../../../src/config/issuers.ts';

const catalogue = (model: unknown): unknown => ({ models: { m: model } });
const entry = { issuer: 'https://id.example.com', audience: 'a', team: 'acme', require: { hd: ['x.com'] } };
const issuers = (more: object): unknown => ({ issuers: [{ ...entry, ...more }] });

describe('what is wrong with a file is told by what was expected', () => {
  it.each<[unknown, string[]]>([
    ['text', ['expected an object']],
    [[], ['expected an object']],
    [{}, ['models: expected an object']],
    [{ models: [] }, ['models: expected an object']],
    [catalogue('chat'), ['models.m: expected an object such as {"kind":"chat"}']],
    [catalogue({}), ['models.m.kind: expected one of chat, embeddings, images, rerank']],
    [catalogue({ kind: 'video' }), ['models.m.kind: expected one of chat, embeddings, images, rerank']],
    [catalogue({ kind: 'chat', max_tokens: 1.5 }), ['models.m.max_tokens: expected a whole number']],
    [catalogue({ kind: 'chat', max_tokens: 0 }), ['models.m.max_tokens: expected more than 0']],
    [catalogue({ kind: 'chat', one_of: 'top_p' }), ['models.m.one_of: expected ["temperature","top_p"]']],
    [catalogue({ kind: 'chat', one_of: ['top_p'] }), ['models.m.one_of: expected ["temperature","top_p"]']],
    [catalogue({ kind: 'chat', canary: 1 }), ['models.m: expected no field "canary"']],
    [
      catalogue({ kind: 'images', price: { usd_per_image: -1 } }),
      ['models.m.price.usd_per_image: expected at least 0'],
    ],
    [{ models: {}, more: 1, $comment: 2 }, ['$comment: expected a string', 'expected no field "more"']],
  ])('MODELS_FILE %j', (value, problems) => {
    expect(parseCatalogue(JSON.stringify(value))).toEqual({
      ok: false,
      problems: problems.map((problem) => `MODELS_FILE: ${problem}.`),
    });
  });

  it.each<[unknown, string[]]>([
    ['text', ['expected an object']],
    [{}, ['issuers: expected a list']],
    [{ issuers: ['x'] }, ['issuers.0: expected an object']],
    [issuers({ issuer: 1 }), ['issuers.0.issuer: expected a string']],
    [issuers({ public: 'yes' }), ['issuers.0.public: expected true or false']],
    [issuers({ algorithms: 'RS256' }), ['issuers.0.algorithms: expected a list']],
    [issuers({ session: [] }), ['issuers.0.session: expected an object']],
  ])('ISSUERS_FILE %j', (value, problems) => {
    expect(parseIssuers(JSON.stringify(value))).toEqual({
      ok: false,
      problems: problems.map((problem) => `ISSUERS_FILE: ${problem}.`),
    });
  });
});
