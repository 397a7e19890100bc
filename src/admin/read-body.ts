import type { ZodType } from 'zod';
import type { JsonObject } from '../core/request.ts';
import { Refusal } from '../core/refusal.ts';
import type { AdminContext } from './respond.ts';
import { check, type Checked } from './schemas.ts';

/** The body by a schema. JSON whatever the Content-Type says; its size was bounded on the way in. */
export async function readBody<T>(c: AdminContext, schema: ZodType<T>): Promise<Checked<T>> {
  const value = parseObject(await c.req.arrayBuffer());
  return value instanceof Refusal ? { ok: false, refusal: value } : check(schema, value);
}

function parseObject(bytes: ArrayBuffer): JsonObject | Refusal {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return new Refusal('invalid_json', 'The body must be a JSON object in UTF-8.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Refusal('invalid_body', 'The body must be a JSON object.');
  }
  return value as JsonObject; // JSON.parse gives nothing else
}
