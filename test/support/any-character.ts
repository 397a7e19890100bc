import * as fc from 'fast-check';

const surrogates = 0xd800;
const surrogateCount = 0x800;

/** Any character of Unicode, ASCII half of the time. fast-check's own `binary` builds a table first, for seconds. */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(fc.nat(0x7f), fc.nat(0x10ffff - surrogateCount))
  .map((n) => String.fromCodePoint(n < surrogates ? n : n + surrogateCount));

/** A text of up to 20,000 characters, which repeats itself. */
export const anyLongText: fc.Arbitrary<string> = fc
  .tuple(fc.string({ unit: anyCharacter, minLength: 1, maxLength: 20 }), fc.nat(20_000))
  .map(([part, length]) => part.repeat(Math.ceil(length / part.length)));
