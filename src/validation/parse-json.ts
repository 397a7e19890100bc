import type { z } from 'zod';
import { check } from '../base/check.ts';
import { isAscii, isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { invalidBody, Refusal, type Problem } from '../base/refusal.ts';
import { type JsonObject, type JsonValue, isJsonObject, plainNumbersIn } from '../base/request.ts';
import { noteBytes } from '../base/written-body.ts';
import { TextScan } from './json-text.ts';
import { parseExactly } from './exact-numbers.ts';
import { Findings, joinPath } from './findings.ts';

const bounds = {
  /** Contract 1.4. Also keeps JSON.parse of 10 MiB of brackets from holding the event loop for most of a second. */
  maxDepth: 64,
  /**
   * 10 MiB of small values would take JSON.parse over 300 ms; this many take some 30 at worst, twice that if
   * each is a number whose digits are kept, and the longest conversation and the largest set of tools that are
   * accepted come to less.
   */
  maxValues: 50_000,
};

/** What is looked over in one turn of the event loop: some ms even before the code is compiled. */
const partBytes = 1_048_576;

/**
 * Reads a body as JSON, whatever its Content-Type says: an object whose names and texts mean the same to every parser.
 * Numbers that a double would change are `ExactNumber`s. The value itself is walked only when its text gives a reason to.
 */
export function parseJson(body: Buffer): JsonObject | Refusal {
  const bytes = withoutByteOrderMark(body);
  const scan = new TextScan(bytes, bounds);
  scan.readTo(bytes.length);
  return refusalOf(bytes, scan) ?? parseScanned(bytes, scan);
}

/** The same of a large body, in many turns of the event loop, so that it holds up nobody. */
export async function parseLargeJson(body: Buffer): Promise<JsonObject | Refusal> {
  const bytes = withoutByteOrderMark(body);
  const scan = new TextScan(bytes, bounds);
  for (let end = partBytes; end < bytes.length + partBytes && !scan.exceeded; end += partBytes) {
    scan.readTo(Math.min(end, bytes.length));
    await setImmediate();
  }
  const refusal = refusalOf(bytes, scan);
  if (refusal) return refusal;
  const value = parseScanned(bytes, scan);
  await setImmediate();
  return value;
}

function refusalOf(bytes: Buffer, { depth, values }: TextScan): Refusal | null {
  if (bytes.length === 0) return notJson('is empty');
  if (!isUtf8(bytes)) return notJson('is not UTF-8 text; a compressed body is not accepted');
  if (depth > bounds.maxDepth) return tooMuch(`is nested more than ${bounds.maxDepth} levels deep`);
  if (values > bounds.maxValues) return tooMuch(`holds more than ${bounds.maxValues} values`);
  return null;
}

function parseScanned(bytes: Buffer, scan: TextScan): JsonObject | Refusal {
  const { latin1, oddNumbers, hasBlanks, fields } = scan;
  const text = isAscii(bytes) ? latin1 : bytes.toString('utf8');
  const value = oddNumbers.length === 0 ? parse(text) : parseOdd(bytes, oddNumbers);
  if (value instanceof Refusal) return value;
  if (!isJsonObject(value)) {
    return new Refusal('invalid_body', 'The request body must be a JSON object, such as {"model": …}.');
  }
  const hasOddEscape = scan.hasOddEscape ?? oddEscape.test(text);
  if (text.includes('__proto__') || (hasOddEscape && tellingEscape.test(text))) {
    const problems = unsafeValues(value);
    if (problems.length > 0) return invalidBody(problems);
  }
  if (oddNumbers.length === 0 && !hasOddEscape && !hasBlanks) noteBytes(value, bytes, fields);
  return value;
}

/** A small body by a schema; an empty one stands for `{}`. Numbers are plain, except in objects named `exactIn`. */
export function parseSmall<T>(body: Buffer, schema: z.ZodType<T>, exactIn?: string): T | Refusal {
  const value = body.length === 0 ? {} : parseJson(body);
  return value instanceof Refusal ? value : check(schema, plainNumbersIn(value, exactIn));
}

/** RFC 8259 section 8.1 lets a parser ignore a byte order mark; some Windows clients send one. */
function withoutByteOrderMark(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

/** An escape that JSON.stringify does not write, but for control characters. */
const oddEscape = /\\[u/]/;
/**
 * An escape of a letter of `__proto__`, which a search of the text would miss, or of a surrogate, whole pairs included.
 * At once by the expression: to look for a backslash first takes ten times as long on a text full of them.
 */
const tellingEscape = /\\u(?:00(?:5f|6f|7[024])|d[89a-f])/i;

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

function parseOdd(bytes: Buffer, oddNumbers: readonly number[]): JsonValue | Refusal {
  try {
    return parseExactly(bytes, oddNumbers);
  } catch {
    return parse(bytes.toString('utf8')); // for the position of what is wrong
  }
}

function notJson(what: string): Refusal {
  return new Refusal('invalid_json', `The request body ${what}: send a JSON object in UTF-8.`);
}

interface Entry {
  key: string;
  value: JsonValue;
  path: string;
}

/** UTF-8 has no half of a pair, so no upstream could keep it (RFC 7493, 2.1); scripts that cut an emoji in two send such. */
const halfPair = 'holds half of a surrogate pair; send whole characters (in JavaScript: toWellFormed())';

/**
 * Names every `__proto__` key and every text with half a character, in a value that JSON.parse made (it gives `__proto__`
 * as an own key). Iterative; the caller has bounded depth and size.
 */
function unsafeValues(root: JsonObject): readonly Problem[] {
  const findings = new Findings();
  const entries: Entry[] = [{ key: '', value: root, path: '' }];
  for (let entry = entries.pop(); entry && !findings.full; entry = entries.pop()) {
    const { key, value, path } = entry;
    if (key === '__proto__') findings.add(path, 'is a name that is not accepted; rename or remove it');
    if (!key.isWellFormed()) findings.add(path.toWellFormed(), `is a name that ${halfPair}`);
    if (typeof value === 'string' && !value.isWellFormed()) findings.add(path.toWellFormed(), halfPair);
    if (Array.isArray(value) || isJsonObject(value)) pushChildren(entries, value, path);
  }
  return findings.problems;
}

/** Last to first, so that they are popped in the order of the text. */
function pushChildren(entries: Entry[], parent: JsonValue[] | JsonObject, path: string): void {
  for (const [key, value] of Object.entries(parent).toReversed()) {
    entries.push({ key, value, path: joinPath(path, key) });
  }
}
