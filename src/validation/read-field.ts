import type { JsonObject } from '../base/request.ts';

/** A field that has been checked to be a number, or is absent or null. */
export function numberIn(object: JsonObject, key: string): number | null {
  const value = object[key];
  return typeof value === 'number' ? value : null;
}

/** A field that has been checked to be a string; empty when it is not. */
export function textIn(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}
