const shortestUnsafeDigits = 16;

/**
 * One pass over the bytes, about 1 ns each once compiled, linear whatever they are, in as many parts as wanted. Stops
 * once a bound is exceeded. It need not be valid JSON: JSON.parse decides that afterwards.
 */
export class TextScan {
  /** The deepest nesting of arrays and objects. */
  depth = 0;
  /** Arrays, objects and commas: about as many as there are values, and hardly ever fewer. */
  values = 0;
  /** Whether a number has 16 digits or more, or an exponent: only such a number can reach 2^53. */
  longNumber = false;
  readonly #bounds: { maxDepth: number; maxValues: number };
  #at = 0;
  #inString = false;
  #levels = 0;
  #digits = 0;

  constructor(bounds: { maxDepth: number; maxValues: number }) {
    this.#bounds = bounds;
  }

  get exceeded(): boolean {
    return this.depth > this.#bounds.maxDepth || this.values > this.#bounds.maxValues;
  }

  /** Looks at the bytes from where it was up to `end`. */
  readTo(end: number, bytes: Uint8Array): void {
    while (this.#at < end && !this.exceeded) {
      if (this.#inString) this.#readString(end, bytes);
      else this.#readStructure(end, bytes);
    }
  }

  #readString(end: number, bytes: Uint8Array): void {
    const quote = endOfString(bytes, this.#at, end);
    // At or beyond `end` it is where to go on: a character escaped at the end is skipped, a quote found beyond is kept.
    this.#at = quote < end ? quote + 1 : quote;
    this.#inString = quote >= end;
  }

  #readStructure(end: number, bytes: Uint8Array): void {
    const { maxDepth, maxValues } = this.#bounds;
    let { depth, values, longNumber } = this;
    let levels = this.#levels;
    let digits = this.#digits;
    let i = this.#at;
    let inString = false;
    for (; i < end && !inString && depth <= maxDepth && values <= maxValues; i++) {
      switch (bytes[i]) {
        case 0x22: // "
          inString = true;
          digits = 0;
          break;
        case 0x5b: // [
        case 0x7b: // {
          digits = 0;
          levels++;
          if (levels > depth) depth = levels;
          values++;
          break;
        case 0x5d: // ]
        case 0x7d: // }
          digits = 0;
          levels--;
          break;
        case 0x2c: // ,
          digits = 0;
          values++;
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
    this.#at = i;
    this.#inString = inString;
    this.#levels = levels;
    this.#digits = digits;
    this.depth = depth;
    this.values = values;
    this.longNumber = longNumber;
  }
}

/** Strings longer than this are most of a large body: prose, or an image in base64. */
const longStringBytes = 64;

/**
 * Where the string's closing quote is; `end` or more if it is not before that. Long strings are skipped at memory speed
 * to their first quote, once a call, so that one full of escaped quotes still costs no more than a second look.
 */
function endOfString(bytes: Uint8Array, start: number, end: number): number {
  const long = start + longStringBytes;
  let skipped = false;
  let i = start;
  for (; i < end; i++) {
    const byte = bytes[i];
    if (byte === 0x22) return i;
    if (byte === 0x5c) {
      i++; // A backslash: whatever follows is no end.
    } else if (i >= long && !skipped) {
      skipped = true;
      const quote = bytes.indexOf(0x22, i);
      if (quote === -1) return bytes.length;
      if (bytes[quote - 1] !== 0x5c) return quote;
    }
  }
  return i;
}
