import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remoteSpan } from '../../../src/telemetry/trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const hex = (digits: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...Array.from('0123456789abcdef')), { minLength: digits, maxLength: digits })
    .map((all) => all.join(''))
    .filter((text) => !/^0+$/.test(text));

describe('remoteSpan', () => {
  it('reads every header of the standard’s form', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 255 }), (trace, span, flags) => {
        const header = `00-${trace}-${span}-${flags.toString(16).padStart(2, '0')}`;
        const found = remoteSpan(header, undefined);
        expect(found).toEqual({ traceId: trace, spanId: span, isSampled: flags % 2 === 1, traceState: '' });
      }),
    );
  });

  it('takes no other text, and never throws', () => {
    const nearly = fc
      .tuple(hex(32), hex(16), fc.integer({ min: 0, max: 60 }), fc.string({ minLength: 1, maxLength: 3 }))
      .map(([trace, span, at, other]) => {
        const text = `00-${trace}-${span}-01`;
        return { text, spoilt: text.slice(0, at) + other + text.slice(at + other.length) };
      })
      .filter(({ text, spoilt }) => spoilt.toLowerCase() !== text && !/^[0-9a-f-]*$/.test(spoilt))
      .map(({ spoilt }) => spoilt);
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (text) => {
        expect(remoteSpan(text, undefined)).toBeNull();
      }),
    );
  });

  it.each([
    ['is upper case', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['has no trace', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['has no span', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['is of the version that is none', `ff-${traceId}-${spanId}-01`],
    ['goes on, in version 00', `00-${traceId}-${spanId}-01-more`],
    ['goes on without a dash', `01-${traceId}-${spanId}-01more`],
    ['is two', [`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`]],
    ['is missing', undefined],
  ])('takes none that %s', (_, header) => {
    expect(remoteSpan(header, undefined)).toBeNull();
  });

  it('reads a later version as far as it knows it', () => {
    expect(remoteSpan(`cc-${traceId}-${spanId}-01-what-comes`, undefined)).toMatchObject({
      traceId,
      isSampled: true,
    });
  });

  const stateOf = (tracestate: string | string[]): string | undefined =>
    remoteSpan(`00-${traceId}-${spanId}-01`, tracestate)?.traceState;

  it('keeps a state of the standard’s form', () => {
    expect(stateOf('rojo=00f067aa0ba902b7, congo=t61rcWkgMzE')).toBe(
      'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    );
    expect(stateOf(['a=1', '2tenant@vendor=x y'])).toBe('a=1,2tenant@vendor=x y');
  });

  it.each([
    ['is no list of members', 'hello'],
    ['has a key in capitals', 'Rojo=1'],
    ['has too many members', Array.from({ length: 33 }, (_, n) => `a${n}=1`).join(',')],
    ['is too long', `a=${'x'.repeat(255)},b=${'x'.repeat(255)},c=1`],
    ['has a credential in it', `a=tgk_${'A'.repeat(40)}`],
    ['has bytes that are not printable', 'a=\u0007'],
  ])('drops a state that %s, and keeps the span', (_, tracestate) => {
    expect(stateOf(tracestate)).toBe('');
  });
});
