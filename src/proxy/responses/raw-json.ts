import { exactNumbers } from '../../base/exact-number.ts';

/*
 * Texts of an answer go out as they came: as they stand between the quotes of its JSON, with their escapes, a byte a
 * character. Decoding and writing them again would cost more, and would change lone surrogates and what is not UTF-8.
 */

/** Heroku shows the arguments of a call as an object, too. Only there numbers are kept as they were written. */
const objectArguments = /"arguments"\s*:\s*\{/;
/** A reviver takes ten times as long as all else, so that a long answer has its numbers as JavaScript reads them. */
const maxExactChars = 131_072;
const quote = 0x22;
const backslash = 0x5c;
const letterU = 0x75;
const shortEscapes: ReadonlySet<number | undefined> = new Set(Buffer.from('/bfnrt'));
const fourDigits = /^[0-9a-fA-F]{4}$/;

/**
 * The value of a JSON text (as Latin-1) with every string, and every name, as it stands between its quotes; undefined if it
 * is no JSON. A reviver could do that, at three times the cost, or ten if there are many values.
 */
export function parsedRaw(json: string): unknown {
  const isExact = json.length <= maxExactChars && objectArguments.test(json);
  const text = json.includes('\\') ? escapedTwice(json) : json;
  try {
    return isExact ? JSON.parse(text, exactNumbers) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** With each escape escaped once more, so that JSON.parse leaves it; empty if one is none. Byte by byte, as there may be millions. */
function escapedTwice(json: string): string {
  const bytes = Buffer.from(json, 'latin1');
  const out = Buffer.allocUnsafe(2 * bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    out[length++] = byte;
    if (byte !== backslash) continue;
    out[length++] = backslash;
    const next = bytes[at + 1];
    if (next === quote || next === backslash) {
      out[length++] = backslash;
      out[length++] = next;
      at += 1;
    } else if (next === letterU ? !fourDigits.test(json.slice(at + 2, at + 6)) : !shortEscapes.has(next)) {
      return '';
    }
  }
  return out.toString('latin1', 0, length);
}

/** A raw string; empty if the value is something else. */
export function rawText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** JavaScript's text as a raw string. */
export function rawOf(text: string): string {
  return Buffer.from(JSON.stringify(text).slice(1, -1)).toString('latin1');
}

/** A raw string as JavaScript's text. */
export function textOf(raw: string): string {
  return String(JSON.parse(`"${Buffer.from(raw, 'latin1').toString()}"`));
}

const longEscape = /\\(?:u([0-9a-fA-F]{4})|(.))/g;

/** The JSON text that a raw string holds. Escapes above ASCII stay: they mean the same inside it. */
export function jsonIn(raw: string): string {
  if (!raw.includes('\\')) return raw;
  const plain = raw.includes('\\u') ? raw.replace(longEscape, withoutAsciiEscape) : raw;
  return String(JSON.parse(`"${plain}"`));
}

/** An escape for another round of parsing: one of ASCII as it is, one above it escaped once more. */
function withoutAsciiEscape(all: string, code: string | undefined): string {
  return code === undefined || parseInt(code, 16) < 0x80 ? all : `\\${all}`;
}

/** A JSON text as a raw string that holds it. */
export function rawHolding(json: string): string {
  return json.replace(/["\\]/g, '\\$&');
}

/** A value of `parsedRaw` as JSON again; empty if it is nested too deep to be written. */
export function rawJson(value: unknown): string {
  try {
    return JSON.stringify(value).replace(/\\\\\\?(["\\/bfnrtu])/g, '\\$1');
  } catch {
    return '';
  }
}
