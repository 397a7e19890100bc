import { describe, expect, it } from 'vitest';
import { methodNotAllowed } from '../../../src/base/no-route.ts';

describe('a method that a path does not have', () => {
  it.each([
    [['POST'], 'POST', 'On /x only POST is possible.'],
    [['GET'], 'GET, HEAD', 'On /x only GET and HEAD are possible.'],
    [['POST', 'DELETE'], 'POST, DELETE', 'On /x only POST and DELETE are possible.'],
    [
      ['GET', 'PATCH', 'DELETE'],
      'GET, HEAD, PATCH, DELETE',
      'On /x only GET, HEAD, PATCH and DELETE are possible.',
    ],
  ])('is answered with those it has: %j', (methods, allow, message) => {
    const refusal = methodNotAllowed('/x', methods);
    expect(refusal).toMatchObject({ code: 'method_not_allowed', message, headers: { allow } });
  });
});
