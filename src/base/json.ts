import type { JsonObject, JsonValue } from './request.ts';

/** Whether a JSON value is an object: not an array, not null. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return isRecord(value);
}

/** The same for a value whose fields may hold anything. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
