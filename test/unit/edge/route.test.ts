import { describe, expect, it } from 'vitest';
import { noContent } from '../../../src/base/operation-docs.ts';
import { operationFor, type Handler, type Route } from '../../../src/edge/route.ts';

const read: Handler = () => Promise.resolve();
const write: Handler = () => Promise.resolve();

describe('the handler of a method', () => {
  const described = { access: 'anyone', docs: { summary: 'Do it', answer: noContent } } as const;
  const route: Route = {
    path: '/a',
    methods: { GET: { handle: read, ...described }, POST: { handle: write, ...described } },
  };

  it.each([
    ['GET', read],
    ['HEAD', read], // RFC 9110, 9.3.2
    ['POST', write],
    ['PATCH', undefined],
    ['DELETE', undefined],
    ['OPTIONS', undefined],
    ['get', undefined],
    ['constructor', undefined],
    [undefined, undefined],
  ])('%s', (method, handler) => {
    expect(operationFor(route, method)?.handle).toBe(handler);
  });
});
