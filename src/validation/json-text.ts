/** A shorter number of digits alone is the same once it has been through a double. */
const shortestLongNumber = 16;
/** `0.0000001`: a double is written with an exponent from here on. */
const shortestSmallFraction = 9;

/**
 * One pass over the bytes, about 1 ns each once compiled, linear whatever they are, in as many parts as wanted. Stops
 * once a bound is exceeded. It need not be valid JSON: JSON.parse decides that afterwards.
 */
export class TextScan {
  /** The deepest nesting of arrays and objects. */
  depth = 0;
  /** Arrays, objects and commas: about as many as there are values, and hardly ever fewer. */
  values = 0;
  /**
   * Where each number begins and ends that may not survive a double: long ones, those with an exponent or a last zero
   * after the point, `-0`. Starts and ends in turn; hardly ever any.
   */
  readonly oddNumbers: number[] = [];
  readonly #bounds: { maxDepth: number; maxValues: number };
  #at = 0;
  #inString = false;
  #levels = 0;

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
    const { oddNumbers } = this;
    let { depth, values } = this;
    let levels = this.#levels;
    let i = this.#at;
    let inString = false;
    while (i < end && !inString && depth <= maxDepth && values <= maxValues) {
      switch (bytes[i++]) {
        case 0x22: // "
          inString = true;
          break;
        case 0x5b: // [
        case 0x7b: // {
          levels++;
          if (levels > depth) depth = levels;
          values++;
          break;
        case 0x5d: // ]
        case 0x7d: // }
          levels--;
          break;
        case 0x2c: // ,
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
        case 0x39: {
          // 9
          const start = i - 1;
          i = endOfNumber(bytes, i);
          // More numbers than values are no JSON: nothing is gained by keeping them.
          if (isOdd(bytes, start, i) && oddNumbers.length <= 2 * values) {
            oddNumbers.push(bytes[start - 1] === 0x2d ? start - 1 : start, i);
          }
          break;
        }
        default: // white space, colons, the letters of true, false and null
      }
    }
    this.#at = i;
    this.#inString = inString;
    this.#levels = levels;
    this.depth = depth;
    this.values = values;
  }
}

/** Where the digits, points, signs and exponents end. A number is read whole, beyond the part it begins in. */
function endOfNumber(bytes: Uint8Array, start: number): number {
  let i = start;
  for (;;) {
    const byte = bytes[i];
    if (byte === undefined || byte < 0x2b || byte > 0x39) {
      if (byte !== 0x65 && byte !== 0x45) return i; // e, E
    } else if (byte === 0x2c || byte === 0x2f) {
      return i; // Between + and 9 lie - and ., but also the comma and the slash.
    }
    i++;
  }
}

/** Whether a number may not survive a double. `start` is its first digit. */
function isOdd(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length >= shortestLongNumber) return true;
  if (bytes[start] === 0x30 && (length >= shortestSmallFraction || bytes[start - 1] === 0x2d)) return true;
  let hasPoint = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte === 0x65 || byte === 0x45) return true;
    if (byte === 0x2e) hasPoint = true;
  }
  return hasPoint && bytes[end - 1] === 0x30;
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
