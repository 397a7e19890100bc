import type { JsonObject, JsonValue } from '../base/request.ts';

/** True for a JSON object: not an array, not null. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
