/** A shorter number of digits alone is the same once it has been through a double. */
const shortestLongNumber = 16;
/** `0.0000001`: a double is written with an exponent from here on. */
const shortestSmallFraction = 9;

/** Up to here it takes less to look at each byte of a string than to search. */
const shortStringBytes = 16;
/** In a larger text, an expression could take too long for one turn of the event loop. */
const maxSearchedBytes = 1_048_576;
/** A string with more escaped backslashes is not looked over for odd escapes: each stops the expression. */
const maxBackslashes = 1_000;
/** A quote that no backslash is before, or an escape that tells something: of `u`, of a slash, or of a backslash. */
const endOrTelling = /(?<!\\)"|\\[u/\\]/g;

/**
 * One pass over the bytes, linear whatever they are, in as many parts as wanted. Stops once a bound is exceeded. It need
 * not be valid JSON: JSON.parse decides that afterwards.
 */
export class TextScan {
  /** A character for each byte: what is searched for the ends of strings, and the text itself if all of it is ASCII. */
  readonly latin1: string;
  /** The deepest nesting of arrays and objects. */
  depth = 0;
  /** Arrays, objects and commas: about as many as there are values, and hardly ever fewer. */
  values = 0;
  /**
   * Where each number begins and ends that may not survive a double: long ones, those with an exponent or a last zero
   * after the point, `-0`. Starts and ends in turn; hardly ever any.
   */
  readonly oddNumbers: number[] = [];
  /** Colons: as many as there are fields. */
  fields = 0;
  /** Whether there is white space between values. */
  hasBlanks = false;
  /**
   * Whether a string has an escape that JSON.stringify does not write, but for control characters: of `u` or a slash. Null
   * if that was not looked for.
   */
  hasOddEscape: boolean | null;
  readonly #bytes: Buffer;
  readonly #bounds: { maxDepth: number; maxValues: number };
  #at = 0;
  #inString = false;
  /** Where the next backslash is, once it was looked for: not again for each string of a text that has none. */
  #backslash = -1;
  #levels = 0;

  constructor(bytes: Buffer, bounds: { maxDepth: number; maxValues: number }) {
    this.#bytes = bytes;
    this.#bounds = bounds;
    this.latin1 = bytes.toString('latin1');
    this.hasOddEscape = bytes.length > maxSearchedBytes ? null : false;
  }

  get exceeded(): boolean {
    return this.depth > this.#bounds.maxDepth || this.values > this.#bounds.maxValues;
  }

  /** Looks at the bytes from where it was up to `end`. */
  readTo(end: number): void {
    const { maxDepth, maxValues } = this.#bounds;
    const { oddNumbers } = this;
    const bytes = this.#bytes;
    let { depth, values, fields, hasBlanks } = this;
    let levels = this.#levels;
    let i = this.#at;
    let inString = this.#inString;
    while (i < end && depth <= maxDepth && values <= maxValues) {
      if (inString) {
        i = this.#endOfString(i, end);
        // At or beyond `end` it is where to go on: a character escaped at the end is skipped, a quote found beyond is kept.
        if (i >= end) break;
        inString = false;
        i++;
        continue;
      }
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
        case 0x3a: // :
          fields++;
          break;
        case 0x20: // a blank, line feed, carriage return, tab
        case 0x0a:
        case 0x0d:
        case 0x09:
          hasBlanks = true;
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
        default: // a minus, the letters of true, false and null
      }
    }
    this.#at = i;
    this.#inString = inString;
    this.#levels = levels;
    this.depth = depth;
    this.values = values;
    this.fields = fields;
    this.hasBlanks = hasBlanks;
  }

  /** Where the string's closing quote is; `end` or more if it is not before that. */
  #endOfString(start: number, end: number): number {
    const bytes = this.#bytes;
    const near = start + shortStringBytes;
    let i = start;
    for (; i < near; i++) {
      const byte = bytes[i];
      if (byte === 0x22) return i;
      if (byte === 0x5c) this.#noteEscape(bytes[++i]); // Whatever follows a backslash is no end.
    }
    if (this.hasOddEscape === false) i = this.#endOrOddEscape(i, end);
    while (i < end) {
      const quote = this.#next('"', i);
      if (!isEscaped(bytes, quote)) return quote;
      i = quote + 1;
    }
    return i;
  }

  /**
   * The same, or where the first odd escape ends. A string without any escape is searched for its quote at memory speed,
   * another one by an expression, which takes a third of what a look at each quote takes if there are many.
   */
  #endOrOddEscape(start: number, end: number): number {
    const { latin1 } = this;
    const bytes = this.#bytes;
    const quote = this.#next('"', start);
    if (this.#backslash < start) this.#backslash = this.#next('\\', start);
    if (quote < this.#backslash) return quote;
    let i = this.#backslash;
    for (let backslashes = 0; this.hasOddEscape === false && i < end;) {
      if (bytes[i] === 0x22) return i; // The backslash before it was escaped itself.
      endOrTelling.lastIndex = i;
      if (!endOrTelling.test(latin1)) return latin1.length;
      i = endOrTelling.lastIndex - 1;
      const found = bytes[i];
      if (found === 0x22) return i;
      this.#noteEscape(found);
      if (found === 0x5c && ++backslashes > maxBackslashes) this.hasOddEscape = null;
      i++;
    }
    return i;
  }

  /** Where a character is next; the end of the text if nowhere. */
  #next(character: string, from: number): number {
    const at = this.latin1.indexOf(character, from);
    return at === -1 ? this.latin1.length : at;
  }

  #noteEscape(escaped: number | undefined): void {
    if (this.hasOddEscape === false && (escaped === 0x75 || escaped === 0x2f)) this.hasOddEscape = true;
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

/** Whether an odd number of backslashes is before a character of a string. */
function isEscaped(bytes: Buffer, at: number): boolean {
  let start = at;
  while (bytes[start - 1] === 0x5c) start--;
  return (at - start) % 2 === 1;
}
