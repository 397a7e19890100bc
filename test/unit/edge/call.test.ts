import { describe, expect, it } from 'vitest';
import { requestIdOf } from '../../../src/edge/call.ts';

const made = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('the id of a request', () => {
  it.each(['x'.repeat(20), 'x'.repeat(200), 'AZaz09+/=-AZaz09+/=-', '1b2a8a3e-52cd-4d0c-9f57-2bb0ec87d3d2'])(
    "is the caller's: %s",
    (id) => {
      expect(requestIdOf(id)).toBe(id);
    },
  );

  it.each([
    undefined,
    '',
    'x'.repeat(19),
    'x'.repeat(201),
    `${'x'.repeat(20)} `,
    `${'x'.repeat(20)}\n`,
    'ü'.repeat(20),
  ])('is a new one instead of %j', (id) => {
    expect(requestIdOf(id)).toMatch(made);
  });

  it('is a new one where the caller sends several', () => {
    expect(requestIdOf(['x'.repeat(20), 'y'.repeat(20)])).toMatch(made);
    expect(requestIdOf(undefined)).not.toBe(requestIdOf(undefined));
  });
});
