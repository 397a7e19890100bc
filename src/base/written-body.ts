import { type JsonObject, type JsonValue, isJsonObject } from './request.ts';

/*
 * What is sent on is the parsed body written out again, so that it cannot say one thing here and another there. A body
 * that came in the very bytes in which it would be written is not written again: of a 100 kB prompt that is a third of
 * the work, of one with an umlaut two thirds, of a short chat a seventh.
 */

/**
 * A body as it came, and how many fields its text has. Checks change nothing in place but odd numbers, and a body with
 * one is not noted, so the key says it all.
 */
const came = new WeakMap<JsonObject, { bytes: Buffer; fields: number }>();

/**
 * Notes the bytes that a body was parsed from. They have no white space between values, no escape and no number that
 * would be written otherwise; `fields` counts them, the same name twice included.
 */
export function noteBytes(body: JsonObject, bytes: Buffer, fields: number): void {
  came.set(body, { bytes, fields });
}

/** The bytes of a body for the upstream: always those that JSON.stringify gives. */
export function written(body: JsonObject): Buffer {
  const as = came.get(body);
  return as !== undefined && orderedFields(body) === as.fields ? as.bytes : Buffer.from(JSON.stringify(body));
}

/** The same with one more number, which JSON.stringify would put last. */
export function writtenWith(body: Buffer, name: string, number: number): Buffer {
  return Buffer.concat([body.subarray(0, -1), Buffer.from(`,${JSON.stringify(name)}:${number}}`)]);
}

/**
 * How many fields are in a value, the same name twice counted once; NaN if any name begins with a digit, since objects
 * put whole numbers first. Iterative; the caller has bounded depth and size.
 */
function orderedFields(root: JsonObject): number {
  let fields = 0;
  const parents: JsonValue[] = [root];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    if (Array.isArray(parent)) {
      for (const item of parent) if (typeof item === 'object' && item !== null) parents.push(item);
    } else if (isJsonObject(parent)) {
      for (const name in parent) {
        const first = name.charCodeAt(0);
        if (first >= 0x30 && first <= 0x39) return NaN;
        fields++;
        const value = parent[name];
        if (typeof value === 'object' && value !== null) parents.push(value);
      }
    }
  }
  return fields;
}
