/* The characters of a JSON text, one a byte, and what they begin. */

export const space = 0x20;
export const quote = 0x22;
export const comma = 0x2c;
export const zero = 0x30;
export const openBracket = 0x5b;
export const backslash = 0x5c;
export const closeBracket = 0x5d;
export const letterN = 0x6e;
export const letterU = 0x75;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;

const colon = 0x3a;
const minus = 0x2d;
const nine = 0x39;

/** Where a character comes next; the length of the text if it does not. */
export function positionOf(text: string, char: string, from: number): number {
  const at = text.indexOf(char, from);
  return at === -1 ? text.length : at;
}

/** The first character of the value after a key that ends at `end`; anything else if it is further away. */
export function valueBegin(text: string, end: number): number {
  if (text.charCodeAt(end + 1) !== colon) return -1;
  const char = text.charCodeAt(end + 2);
  return char === space ? text.charCodeAt(end + 3) : char;
}

/** Half of a surrogate pair is half of its four bytes. */
export function utf8Bytes(codeUnit: number): number {
  if (codeUnit < 0x80) return 1;
  return codeUnit < 0x800 || (codeUnit >= 0xd800 && codeUnit < 0xe000) ? 2 : 3;
}

export function isSpace(char: number): boolean {
  return char === space || char === 0x0a || char === 0x0d || char === 0x09;
}

/** One of the three bytes of it. */
export function isByteOrderMark(char: number): boolean {
  return char === 0xef || char === 0xbb || char === 0xbf;
}

export function isNumberStart(char: number): boolean {
  return (char >= zero && char <= nine) || char === minus;
}
