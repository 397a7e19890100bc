import { isRecord } from '../../base/request.ts';

/*
 * Texts of an answer go out as they came: as they stand between the quotes of its JSON, with their escapes, a byte a
 * character. Decoding and writing them again would cost more, and would change lone surrogates and what is not UTF-8.
 */

/** The value of a JSON text (as Latin-1) with every string as it stands between its quotes; undefined if it is no JSON. */
export function parsedRaw(json: string): unknown {
  try {
    return JSON.parse(json, rawString);
  } catch {
    return undefined;
  }
}

function rawString(_key: string, value: unknown, { source }: { source?: string }): unknown {
  return typeof value === 'string' && source !== undefined ? source.slice(1, -1) : value;
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

const escape = /\\(?:u([0-9a-fA-F]{4})|(.))/g;
const shortEscapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** The JSON text that a raw string holds. Escapes above ASCII stay: they mean the same inside it. */
export function jsonIn(raw: string): string {
  return raw.replace(escape, (all: string, code: string | undefined, short: string | undefined) => {
    if (short !== undefined) return shortEscapes[short] ?? short;
    const unit = parseInt(code ?? '', 16);
    return unit < 0x80 ? String.fromCharCode(unit) : all;
  });
}

/** A JSON text as a raw string that holds it. */
export function rawHolding(json: string): string {
  return json.replace(/["\\]/g, '\\$&');
}

/** A value of `parsedRaw` as JSON again. */
export function rawJson(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (Array.isArray(value)) return `[${value.map(rawJson).join(',')}]`;
  if (!isRecord(value)) return String(value);
  const members = Object.entries(value).map(([key, inner]) => `"${rawKey(key)}":${rawJson(inner)}`);
  return `{${members.join(',')}}`;
}

/** Of keys the reviver has the text only, in which bytes and escapes look alike up to U+00FF. */
function rawKey(key: string): string {
  const escaped = JSON.stringify(key).slice(1, -1);
  return escaped.replace(/[^\0-\xff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
