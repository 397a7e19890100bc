import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import type { ZodType } from 'zod';
import { Refusal } from '../base/refusal.ts';
import type { AdminContext } from './respond.ts';
import { check, type Checked } from '../base/check.ts';

const maxBytes = 1_048_576;
const drainedBytes = 15 * maxBytes;

/** The body by a schema, at most 1 MiB. JSON whatever the Content-Type says; nothing at all is `{}`. */
export async function readOptionalBody<T>(c: AdminContext, schema: ZodType<T>): Promise<Checked<T>> {
  return checkBytes(await readBytes(c.req.raw.body), schema, true);
}

/** The same, where there must be a body. */
export async function readBody<T>(c: AdminContext, schema: ZodType<T>): Promise<Checked<T>> {
  return checkBytes(await readBytes(c.req.raw.body), schema, false);
}

function checkBytes<T>(bytes: Buffer | Refusal, schema: ZodType<T>, optional: boolean): Checked<T> {
  if (optional && !(bytes instanceof Refusal) && bytes.length === 0) return check(schema, {});
  const value = bytes instanceof Refusal ? bytes : parseObject(bytes);
  return value instanceof Refusal ? { ok: false, refusal: value } : check(schema, value);
}

/** The body's bytes, at most so many. */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  most = maxBytes,
): Promise<Buffer | Refusal> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body ?? []) {
      length += chunk.length;
      if (length <= most) chunks.push(chunk);
      // Read on for a while: many clients read an answer only once they have sent their body.
      else if (length > most + drainedBytes) break;
    }
  } catch {
    return new Refusal('invalid_request', 'The connection was lost before the body was in.');
  }
  return length > most ? tooLarge(most) : Buffer.concat(chunks);
}

function tooLarge(most: number): Refusal {
  const headers = { connection: 'close' };
  return new Refusal('body_too_large', `The body must have at most ${most} bytes.`, { headers });
}

function parseObject(bytes: Buffer): JsonObject | Refusal {
  let value: JsonValue;
  try {
    // JSON.parse gives nothing else.
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch {
    return new Refusal('invalid_json', 'The body must be a JSON object in UTF-8.');
  }
  return isJsonObject(value) ? value : new Refusal('invalid_body', 'The body must be a JSON object.');
}
