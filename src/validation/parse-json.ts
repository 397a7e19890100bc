import { isUtf8 } from 'node:buffer';
import { invalidBody, Refusal } from '../core/refusal.ts';
import type { JsonObject, JsonValue } from '../core/request.ts';
import { isObject } from './json-object.ts';
import { scanText } from './json-text.ts';
import { unsafeValues } from './json-walk.ts';

/** Contract 1.4. Also keeps JSON.parse of 10 MiB of brackets from holding the event loop for most of a second. */
const maxDepth = 64;

/**
 * 10 MiB of small values would take JSON.parse over 300 ms; this many take some 30 at worst, and the longest
 * conversation and the largest set of tools that are accepted come to less.
 */
const maxValues = 50_000;

/** A text that may be parsed: its size and depth are bounded, and it is UTF-8. */
export interface JsonText {
  bytes: Buffer;
  /** A number that may not be safe is in it. */
  longNumber: boolean;
}

/**
 * Reads a body as JSON, whatever its Content-Type says: an object whose numbers, names and texts mean the same to
 * every parser.
 */
export function parseJson(body: Buffer): JsonObject | Refusal {
  const text = inspectText(body);
  return text instanceof Refusal ? text : parseText(text);
}

/** The first half of `parseJson`, apart so that others can have a turn between the two. */
export function inspectText(body: Buffer): JsonText | Refusal {
  const bytes = withoutByteOrderMark(body);
  if (bytes.length === 0) return notJson('is empty');
  if (!isUtf8(bytes)) return notJson('is not UTF-8 text; a compressed body is not accepted');
  const { depth, values, longNumber } = scanText(bytes, { maxDepth, maxValues });
  if (depth > maxDepth) return tooMuch(`is nested more than ${maxDepth} levels deep`);
  if (values > maxValues) return tooMuch(`holds more than ${maxValues} values`);
  return { bytes, longNumber };
}

/** The second half. The value itself is walked only when its text gives a reason to. */
export function parseText({ bytes, longNumber }: JsonText): JsonObject | Refusal {
  const text = bytes.toString('utf8');
  const value = parse(text);
  if (value instanceof Refusal) return value;
  if (!isObject(value)) {
    return new Refusal('invalid_body', 'The request body must be a JSON object, such as {"model": …}.');
  }
  if (!longNumber && !mayNameProto(text) && !mayHoldHalves(text)) return value;
  const problems = unsafeValues(value);
  return problems.length === 0 ? value : invalidBody(problems);
}

/** RFC 8259 section 8.1 lets a parser ignore a byte order mark; some Windows clients send one. */
function withoutByteOrderMark(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

/** An escape of a letter of `__proto__`; the names search of the text would miss. */
const escapedProtoLetter = /\\u00(?:5f|6f|7[024])/i;

function mayNameProto(text: string): boolean {
  return text.includes('__proto__') || (text.includes('\\u00') && escapedProtoLetter.test(text));
}

/** An escape of a surrogate, whole pairs included. */
function mayHoldHalves(text: string): boolean {
  return text.includes('\\ud') || text.includes('\\uD');
}

function tooMuch(what: string): Refusal {
  return new Refusal(
    'invalid_body',
    `The request body ${what}, more than this gateway accepts; make it simpler.`,
  );
}

function parse(text: string): JsonValue | Refusal {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    // V8's message quotes the text, which may be a prompt: only the position is told.
    const position = error instanceof Error ? / at position (\d+)/.exec(error.message)?.[1] : undefined;
    const where = position === undefined ? '' : ` (see position ${position})`;
    return notJson(`is not valid JSON${where}`);
  }
}

function notJson(what: string): Refusal {
  return new Refusal('invalid_json', `The request body ${what}: send a JSON object in UTF-8.`);
}
