import { type TextRole, textRoleOf } from './generated-text.ts';

/** What the key before a value says of the strings in it. */
type Role = TextRole | 'text';

const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const zero = 0x30;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const letterN = 0x6e;
const letterU = 0x75;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const maxDepth = 10_000;
const maxKeyLength = 1_024;
/** Longer top-level fields are left out of the sketch. */
const maxFieldLength = 16_384;
const maxSketchLength = 65_536;

/**
 * Reads a JSON text in one pass, as its bytes come, wherever they were split and however long it is. It counts generated
 * text and images, and notes which top-level fields are there. Its memory is bounded: it keeps the nesting, and a sketch
 * of small fields.
 *
 * It takes Latin-1, so that a character is a byte. It is no parser: it knows a wrong text only by its nesting. It runs for
 * every event of every stream, so that speed decided its form.
 */
export class JsonScanner {
  /** Bytes of generated text. `\\u00e9` counts as the two that it stands for, shorter escapes as they are written. */
  textBytes = 0;
  /** The deltas, messages and blocks that had some. */
  pieces = 0;
  /** A choice has a finish reason. */
  finished = false;
  /** Those that have begun. */
  images = 0;
  /** Whether the current text has these top-level fields: one that holds generated text, `error`, and the list asked for. */
  hasGenerated = false;
  hasError = false;
  hasList = false;
  /** Where the last generated text ends in the last chunk. */
  lastTextEnd = -1;
  /** It has a `usage` with more than zeros. */
  hasUsage = false;

  readonly #list: string | null;
  readonly #sketches: boolean;
  #state: 'before' | 'inside' | 'after' | 'wrong' = 'before';
  #depth = 0;
  /** For each level whether it is an object. */
  readonly #isObject: boolean[] = [false];
  #expectsKey = false;
  #role: Role = 'plain';
  #watchesFor: 'finish_reason' | 'image' | null = null;
  #inString = false;
  /** Whether the current string is generated text. */
  #counts = false;
  /** The top-level field, as far as it matters. */
  #within: 'choices' | 'data' | 'usage' | null = null;
  #isList = false;
  #hasImage = false;
  /** The levels at which generated text began, inside it something that is none, and a tool's arguments; 0 outside. */
  #textDepth = 0;
  #notTextDepth = 0;
  #freeDepth = 0;
  #pieceStart = 0;

  /** The end of a chunk that only the next one explains: part of a key or of an escape. */
  #rest = '';
  /** The next of each character in the chunk, from where it was last looked for. */
  #quoteAt = -1;
  #escapeAt = -1;
  #closeAt = -1;
  #openAt = -1;
  #braceAt = -1;
  /** Where the current field of the sketch begins in the chunk, and what earlier chunks had of it. */
  #fieldAt = -1;
  #field = '';
  #sketch = '';

  /** `list`: the top-level list that makes the text an answer. `sketches`: keeps a sketch. */
  constructor({ list = null, sketches = false }: { list?: string | null; sketches?: boolean } = {}) {
    this.#list = list;
    this.#sketches = sketches;
  }

  /** Begins another text. */
  begin(): void {
    this.textBytes = 0;
    this.pieces = 0;
    this.finished = false;
    this.images = 0;
    this.hasGenerated = false;
    this.hasError = false;
    this.hasList = false;
    this.hasUsage = false;
    this.lastTextEnd = -1;
    this.#state = 'before';
    this.#depth = 0;
    this.#expectsKey = false;
    this.#role = 'plain';
    this.#watchesFor = null;
    this.#inString = false;
    this.#within = null;
    this.#textDepth = 0;
    this.#notTextDepth = 0;
    this.#freeDepth = 0;
    this.#rest = '';
    this.#fieldAt = -1;
    this.#field = '';
    this.#sketch = '';
  }

  /** Whether the text so far is one object and complete. */
  get isWhole(): boolean {
    return this.#state === 'after';
  }

  /** The object with its small top-level fields only, as JSON. */
  get sketch(): string {
    return `{${this.#sketch}}`;
  }

  /** Reads the next bytes. */
  feed(chunk: string): void {
    const text = this.#rest === '' ? chunk : this.#rest + chunk;
    this.#rest = '';
    this.#quoteAt = -1;
    this.#escapeAt = -1;
    this.#closeAt = -1;
    this.#openAt = -1;
    this.#braceAt = -1;
    const { length } = text;
    if (this.#fieldAt !== -1) this.#fieldAt = 0;
    let at = this.#state === 'inside' ? 0 : this.#skipOutside(text, 0);
    while (at < length) {
      if (this.#inString) {
        at = this.#readString(text, at);
        continue;
      }
      switch (text.charCodeAt(at)) {
        case quote:
          if (this.#expectsKey) {
            at = this.#readKey(text, at);
          } else {
            this.#beginString();
            at += 1;
          }
          break;
        case openBrace:
          at = this.#open(true) ? at + 1 : length;
          break;
        case openBracket:
          at = this.#open(false) ? at + 1 : length;
          break;
        case closeBrace:
          at = this.#close(true, text, at);
          break;
        case closeBracket:
          at = this.#close(false, text, at);
          break;
        case comma:
          if (this.#fieldAt !== -1 && this.#depth === 1) this.#endField(text, at);
          this.#expectsKey = this.#isObject[this.#depth] === true;
          this.#role = 'plain';
          at += 1;
          break;
        default:
          at = this.#isObject[this.#depth] === true ? at + 1 : this.#skipNumbers(text, at);
      }
    }
    if (this.#fieldAt !== -1) this.#keepField(text, length - this.#rest.length);
  }

  /** Before the object and after it. Returns where it begins, or where the chunk ends. */
  #skipOutside(text: string, from: number): number {
    const { length } = text;
    if (this.#state === 'wrong') return length;
    for (let at = from; at < length; at += 1) {
      const char = text.charCodeAt(at);
      if (isSpace(char) || (this.#state === 'before' && isByteOrderMark(char))) continue;
      const isBegin = this.#state === 'before' && char === openBrace;
      this.#state = isBegin ? 'inside' : 'wrong';
      return isBegin ? at : length;
    }
    return length;
  }

  #open(isObject: boolean): boolean {
    this.#depth += 1;
    const depth = this.#depth;
    if (depth > maxDepth) {
      this.#state = 'wrong';
      return false;
    }
    this.#isObject[depth] = isObject;
    this.#expectsKey = isObject;
    this.#watchesFor = null;
    if (depth === 2) this.hasList ||= this.#isList && !isObject;
    else if (depth === 3) this.#hasImage = false;
    if (this.#role === 'plain') return true;
    if (this.#role === 'not_text') {
      this.#notTextDepth = depth;
    } else if (this.#role === 'free') {
      this.#freeDepth = depth;
    } else {
      this.#textDepth = depth;
      this.#pieceStart = this.textBytes;
    }
    this.#role = 'plain';
    return true;
  }

  #close(isObject: boolean, text: string, at: number): number {
    const depth = this.#depth;
    if (this.#isObject[depth] !== isObject) {
      this.#state = 'wrong';
      return text.length;
    }
    if (depth === this.#notTextDepth) {
      this.#notTextDepth = 0;
    } else if (depth === this.#freeDepth) {
      this.#freeDepth = 0;
    } else if (depth === this.#textDepth) {
      this.#textDepth = 0;
      if (this.textBytes > this.#pieceStart) this.pieces += 1;
    }
    this.#depth = depth - 1;
    this.#expectsKey = false;
    this.#role = 'plain';
    if (depth > 1) return at + 1;
    if (this.#fieldAt !== -1) this.#endField(text, at);
    this.#state = 'after';
    return this.#skipOutside(text, at + 1);
  }

  #readKey(text: string, at: number): number {
    if (this.#freeDepth > 0) {
      this.#expectsKey = false;
      this.#role = 'plain';
      this.#beginString();
      return at + 1;
    }
    const end = positionOf(text, '"', at + 1);
    if (end === text.length && end - at < maxKeyLength) {
      this.#rest = text.slice(at);
      return end;
    }
    this.#expectsKey = false;
    this.#watchesFor = null;
    this.#role = 'plain';
    const depth = this.#depth;
    if (depth === 1 && this.#sketches) this.#fieldAt = at;
    if (end === text.length || text.charCodeAt(end - 1) === backslash) {
      // Too long, or with a quote in it: none that is known here.
      this.#inString = true;
      this.#counts = false;
      return at + 1;
    }
    if (depth === 1) {
      this.#readField(text, at, end);
    } else if (this.#textDepth > 0) {
      if (this.#notTextDepth === 0) this.#role = textRoleOf(text.slice(at + 1, end));
    } else if (depth === 3 && this.#within !== null) {
      this.#readItemKey(text.slice(at + 1, end));
    } else if (depth === 2 && this.#within === 'usage') {
      const begin = valueBegin(text, end);
      if (begin !== zero && begin !== letterN && begin !== openBrace) this.hasUsage = true;
    }
    return end + 1;
  }

  #readField(text: string, at: number, end: number): void {
    const name = text.slice(at + 1, end);
    this.#within = null;
    this.#isList = name === this.#list;
    switch (name) {
      case 'choices':
        this.#within = name;
        this.hasGenerated = true;
        break;
      case 'data':
      case 'usage':
        this.#within = name;
        break;
      case 'content':
      case 'content_block':
      case 'delta':
        this.#role = 'text';
        this.hasGenerated = true;
        break;
      case 'error':
        if (valueBegin(text, end) !== letterN) this.hasError = true;
        break;
      default:
    }
  }

  /** Of a choice, or of an image. */
  #readItemKey(name: string): void {
    switch (name) {
      case 'delta':
      case 'message':
      case 'text':
        if (this.#within === 'choices') this.#role = 'text';
        break;
      case 'finish_reason':
        if (this.#within === 'choices') this.#watchesFor = 'finish_reason';
        break;
      case 'b64_json':
      case 'url':
        if (this.#within === 'data' && !this.#hasImage) this.#watchesFor = 'image';
        break;
      default:
    }
  }

  #beginString(): void {
    this.#inString = true;
    this.#counts =
      this.#notTextDepth === 0 && this.#role !== 'not_text' && (this.#textDepth > 0 || this.#role === 'text');
    if (this.#role === 'text') this.#pieceStart = this.textBytes;
  }

  /** Up to an escape, the string's end or the chunk's. */
  #readString(text: string, at: number): number {
    if (this.#quoteAt < at) this.#quoteAt = positionOf(text, '"', at);
    if (this.#escapeAt < at) this.#escapeAt = positionOf(text, '\\', at);
    const end = Math.min(this.#quoteAt, this.#escapeAt);
    if (this.#counts) this.textBytes += end - at;
    if (this.#watchesFor !== null && end > at) this.#found();
    if (end === text.length) return end;
    if (end === this.#escapeAt) return this.#readEscape(text, end);
    this.#inString = false;
    if (this.#role === 'text' && this.textBytes > this.#pieceStart) this.pieces += 1;
    if (this.#counts && end > at) this.lastTextEnd = end;
    return end + 1;
  }

  #readEscape(text: string, at: number): number {
    const end = at + (text.charCodeAt(at + 1) === letterU ? 6 : 2);
    if (end > text.length) {
      this.#rest = text.slice(at);
      return text.length;
    }
    if (this.#counts) this.textBytes += end - at === 2 ? 2 : utf8Bytes(parseInt(text.slice(at + 2, end), 16));
    return end;
  }

  #found(): void {
    if (this.#watchesFor === 'finish_reason') {
      this.finished = true;
    } else {
      this.images += 1;
      this.#hasImage = true;
    }
    this.#watchesFor = null;
  }

  /** Vectors are most of an answer with embeddings: to the end of the list, if only numbers come before it. */
  #skipNumbers(text: string, at: number): number {
    if (!isNumberStart(text.charCodeAt(at))) return at + 1;
    if (this.#closeAt < at) this.#closeAt = positionOf(text, ']', at);
    if (this.#openAt < at) this.#openAt = positionOf(text, '[', at);
    if (this.#braceAt < at) this.#braceAt = positionOf(text, '{', at);
    if (this.#quoteAt < at) this.#quoteAt = positionOf(text, '"', at);
    const isNumbers = this.#closeAt <= Math.min(this.#openAt, this.#braceAt, this.#quoteAt);
    return isNumbers ? this.#closeAt : at + 1;
  }

  #keepField(text: string, end: number): void {
    if (this.#field.length <= maxFieldLength) this.#field += text.slice(this.#fieldAt, end);
  }

  #endField(text: string, end: number): void {
    this.#keepField(text, end);
    const { length } = this.#field;
    if (length <= maxFieldLength && this.#sketch.length + length < maxSketchLength) {
      this.#sketch += this.#sketch === '' ? this.#field : `,${this.#field}`;
    }
    this.#field = '';
    this.#fieldAt = -1;
  }
}

/** Where a character comes next; the length of the text if it does not. */
function positionOf(text: string, char: string, from: number): number {
  const at = text.indexOf(char, from);
  return at === -1 ? text.length : at;
}

/** The first character of the value after a key that ends at `end`; anything else if it is further away. */
function valueBegin(text: string, end: number): number {
  if (text.charCodeAt(end + 1) !== colon) return -1;
  const char = text.charCodeAt(end + 2);
  return char === space ? text.charCodeAt(end + 3) : char;
}

/** Half of a surrogate pair is half of its four bytes. */
function utf8Bytes(codeUnit: number): number {
  if (codeUnit < 0x80) return 1;
  return codeUnit < 0x800 || (codeUnit >= 0xd800 && codeUnit < 0xe000) ? 2 : 3;
}

function isSpace(char: number): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09;
}

function isByteOrderMark(char: number): boolean {
  return char === 0xef || char === 0xbb || char === 0xbf;
}

function isNumberStart(char: number): boolean {
  return (char >= 0x30 && char <= 0x39) || char === 0x2d;
}
