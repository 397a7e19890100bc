/** The bytes for all texts of a line; the rest of 10,000 bytes is for names, numbers and punctuation. */
export const maxTextBytes = 8_000;
export const maxFieldBytes = 2_000;

/**
 * Logplex splits lines over 10,000 bytes (Dev Center, "Logplex"). Every text of a line is cut by its size as JSON in
 * UTF-8.
 */
export class LineBudget {
  #left: number;

  constructor(maxBytes: number) {
    this.#left = maxBytes;
  }

  /** The longest beginning of `text` that fits both `maxBytes` and what is left of the line. */
  take(text: string, maxBytes: number): string {
    const limit = Math.min(maxBytes, this.#left);
    const { end, bytes } = measure(text, limit);
    this.#left -= bytes;
    return end === text.length ? text : text.slice(0, end);
  }
}

/** How much of a text fits in `maxBytes` as JSON, and how many bytes that takes. */
function measure(text: string, maxBytes: number): { end: number; bytes: number } {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const cost = jsonBytes(character);
    if (bytes + cost > maxBytes) break;
    bytes += cost;
    end += character.length;
  }
  return { end, bytes };
}

/** Control characters and lone surrogates are written \u00XX, quotes and backslashes doubled. */
function jsonBytes(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || (code >= 0xd800 && code <= 0xdfff)) return 6;
  if (code === 0x22 || code === 0x5c) return 2;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
