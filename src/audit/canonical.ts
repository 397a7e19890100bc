import type { JsonValue } from '../base/request.ts';
import type { AuditEntry } from './audit.ts';

/** The text of an entry, or of a value in it: JSON without whitespace, with sorted names in every object. */
export function canonical(value: AuditEntry | JsonValue): string {
  return JSON.stringify(ordered(value));
}

function ordered(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, inner]) => [name, ordered(inner)]));
}
