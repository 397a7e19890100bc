import type { HttpBindings } from '@hono/node-server';
import { isJsonObject, type JsonObject, type JsonValue, parsedJson, utf8Text } from '../base/request.ts';
import type { ZodType } from 'zod';
import { Refusal } from '../base/refusal.ts';
import type { AdminContext } from './respond.ts';
import { holdingOf } from '../memory/holding.ts';
import { askForBody } from '../edge/call.ts';
import { check } from '../base/check.ts';

const maxBytes = 1_048_576;
const drainedBytes = 15 * maxBytes;
/** What a chunk takes in memory beside its bytes. */
const chunkBytes = 256;

/** The body by a schema, at most 1 MiB. It is read as JSON, whatever its Content-Type. */
export async function readBody<T>(c: AdminContext, schema: ZodType<T>): Promise<T | Refusal> {
  return checkBytes(await readBytes(c), schema);
}

/** The same if there need not be a body: an empty one means `{}`. */
export async function readOptionalBody<T>(c: AdminContext, schema: ZodType<T>): Promise<T | Refusal> {
  const bytes = await readBytes(c);
  const isEmpty = !(bytes instanceof Refusal) && bytes.length === 0;
  return isEmpty ? check(schema, {}) : checkBytes(bytes, schema);
}

function checkBytes<T>(bytes: Buffer | Refusal, schema: ZodType<T>): T | Refusal {
  const value = bytes instanceof Refusal ? bytes : parseObject(bytes);
  return value instanceof Refusal ? value : check(schema, value);
}

/** The bytes of a body, up to a maximum, from an actor who may still act when they are in. */
export async function readBytes(c: AdminContext, most = maxBytes): Promise<Buffer | Refusal> {
  const bytes = await receive(c, most);
  return bytes instanceof Refusal ? bytes : ((await c.get('stillRefused')()) ?? bytes);
}

async function receive(c: AdminContext, most: number): Promise<Buffer | Refusal> {
  const { incoming, outgoing } = (c.env ?? {}) as Partial<HttpBindings>; // node-server sets it
  if (incoming && outgoing) askForBody({ incoming, outgoing });
  const holding = outgoing && holdingOf(outgoing);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of c.req.raw.body ?? []) {
      length += chunk.length;
      if (length <= most) chunks.push(chunk);
      const full = holding?.body(Math.min(length, most) + chunks.length * chunkBytes);
      if (full) return full;
      // Read on for a while: many clients read an answer only once they have sent their body.
      else if (length > most + drainedBytes) break;
    }
  } catch {
    return new Refusal('invalid_request', 'The connection was lost before the whole body arrived.');
  }
  if (length <= most) return Buffer.concat(chunks);
  const headers = { connection: 'close' };
  return new Refusal('body_too_large', `The body must have at most ${most} bytes.`, { headers });
}

function parseObject(bytes: Buffer): JsonObject | Refusal {
  const value = parsedJson(utf8Text(bytes) ?? '') as JsonValue | undefined; // of JSON
  if (value === undefined) return new Refusal('invalid_json', 'The body must be a JSON object in UTF-8.');
  return isJsonObject(value) ? value : new Refusal('invalid_body', 'The body must be a JSON object.');
}
