/** What a look over the bytes of a JSON text tells before it is parsed. */
export interface TextFacts {
  /** The deepest nesting of arrays and objects. */
  depth: number;
  /** Arrays, objects and what commas part: an upper bound of the values in it, near enough. */
  values: number;
  /** A number of 16 digits or more, or with an exponent: only such a one can reach 2^53. */
  longNumber: boolean;
}

const shortestUnsafeDigits = 16;

/**
 * One pass over the bytes, about 1 ns each, linear whatever they are. Stops early once `maxDepth` or `maxValues` is
 * exceeded. It need not be valid JSON: JSON.parse decides that afterwards.
 */
export function scanText(
  bytes: Uint8Array,
  { maxDepth, maxValues }: { maxDepth: number; maxValues: number },
): TextFacts {
  const { length } = bytes;
  let depth = 0;
  let deepest = 0;
  let values = 0;
  let longNumber = false;
  let digits = 0;
  for (let i = 0; i < length; i++) {
    switch (bytes[i]) {
      case 0x22: // "
        i = endOfString(bytes, i + 1);
        digits = 0;
        break;
      case 0x5b: // [
      case 0x7b: // {
        digits = 0;
        depth++;
        if (depth > deepest) deepest = depth;
        values++;
        if (depth > maxDepth || values > maxValues) i = length;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        digits = 0;
        depth--;
        break;
      case 0x2c: // ,
        digits = 0;
        values++;
        if (values > maxValues) i = length;
        break;
      case 0x30: // 0
      case 0x31:
      case 0x32:
      case 0x33:
      case 0x34:
      case 0x35:
      case 0x36:
      case 0x37:
      case 0x38:
      case 0x39: // 9
        digits++;
        if (digits >= shortestUnsafeDigits) longNumber = true;
        break;
      case 0x45: // E
      case 0x65: // e
        if (digits > 0) longNumber = true;
        digits = 0;
        break;
      default:
        digits = 0;
    }
  }
  return { depth: deepest, values, longNumber };
}

/** Strings longer than this are most of a large body: prose, or an image in base64. */
const longStringBytes = 64;

/**
 * Where the string's closing quote is. Long strings are skipped at memory speed to their first quote, once a string,
 * so that one full of escaped quotes still costs no more than a second look.
 */
function endOfString(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  const long = start + longStringBytes;
  let skipped = false;
  for (let i = start; i < length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) return i;
    if (byte === 0x5c) {
      i++; // A backslash: whatever follows is no end.
    } else if (i >= long && !skipped) {
      skipped = true;
      const quote = bytes.indexOf(0x22, i);
      if (quote === -1) return length;
      if (bytes[quote - 1] !== 0x5c) return quote;
    }
  }
  return length;
}
