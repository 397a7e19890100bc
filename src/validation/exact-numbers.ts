import { ExactNumber, isExactOnly, isNumber } from '../base/exact-number.ts';
import { type JsonValue, isJsonObject } from '../base/request.ts';

/**
 * The n-th odd number is parsed as this and n. A number as large has 16 digits or an exponent, so it is odd itself and
 * takes part: none of the text is mistaken for one of these.
 */
const firstStandIn = 9_000_000_000_000_000;
const minus = 0x2d;

/**
 * Parses a JSON text whose numbers between `spans` (byte offsets, starts and ends in turn) may not survive a double:
 * those that would not become an `ExactNumber`. Throws like JSON.parse. A reviver could do the same, but takes five to
 * twenty times as long as JSON.parse; `"temperature": 1.0`, as Python writes it, is too usual for that.
 */
export function parseExactly(bytes: Buffer, spans: readonly number[]): JsonValue {
  const numbers: (ExactNumber | number)[] = [];
  let text = '';
  let copied = 0;
  for (let at = 0; at < spans.length; at += 2) {
    const start = spans[at] ?? 0;
    const end = spans[at + 1] ?? 0;
    const number = bytes.toString('latin1', start, end);
    if (!isNumber(number) || bytes[start - 1] === minus) continue; // no JSON: of two signs, one is before the start
    text += bytes.toString('utf8', copied, start) + String(firstStandIn + numbers.length);
    numbers.push(isExactOnly(number) ? new ExactNumber(number) : Number(number));
    copied = end;
  }
  const value = JSON.parse(text + bytes.toString('utf8', copied)) as JsonValue; // JSON.parse gives nothing else
  return withNumbers(value, numbers);
}

/** Puts the numbers in the places of their stand-ins. Iterative; the caller has bounded depth and size. */
function withNumbers(root: JsonValue, numbers: readonly (ExactNumber | number)[]): JsonValue {
  if (typeof root === 'number') return numbers[root - firstStandIn] ?? root;
  const parents = [root];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    if (Array.isArray(parent)) {
      for (const [index, value] of parent.entries()) {
        if (isStandIn(value)) parent[index] = numbers[value - firstStandIn] ?? value;
        else if (typeof value === 'object' && value !== null) parents.push(value);
      }
    } else if (isJsonObject(parent)) {
      for (const key in parent) {
        const value = parent[key];
        if (isStandIn(value)) parent[key] = numbers[value - firstStandIn] ?? value;
        else if (typeof value === 'object' && value !== null) parents.push(value);
      }
    }
  }
  return root;
}

function isStandIn(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && value >= firstStandIn;
}
