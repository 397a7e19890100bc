import { invalidBody, Refusal } from '../base/refusal.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { maxSealedBytes, ResponseKey } from '../limits/kept-items.ts';
import type { Holding } from '../memory/holding.ts';
import { textIn } from '../validation/documented.ts';
import { kindOf } from '../validation/responses/input-items.ts';

/*
 * A request for a response may name items of earlier ones instead of repeating them: `{"type": "item_reference", "id"}`. If
 * items are kept, they take the places of their references before anything is checked, so every check sees them whole. A
 * reference to what is not kept stays, and is refused.
 */

/** The ids of a response's items have their random part in common, and a number after it. */
const itemId = /^(?:msg|fc|ctc)_([0-9a-f]{32})\d{1,6}$/;
const maxResponses = 100;

/** The responses whose items `input` refers to, by the random part of their ids, each once. */
export function referredResponses({ input }: JsonObject): string[] {
  if (!Array.isArray(input)) return [];
  const found = new Set<string>();
  for (const item of input) {
    const random = itemId.exec(referenceIn(item) ?? '')?.[1];
    if (random !== undefined) found.add(random);
  }
  return [...found];
}

interface ReferringCall {
  /** Whose responses they must be. */
  owner: string;
  /** The size of the body that came, and the most that it may have with the items in it. */
  bodyBytes: number;
  maxBodyBytes: number;
  holding: Pick<Holding, 'body' | 'kept'>;
  store: { read(ids: readonly string[]): Promise<readonly string[]> };
}

/** The body with the items of these responses in it. One store call. Rejects with `StoreUnavailable`. */
export async function withReferredItems(
  body: JsonObject,
  responses: readonly string[],
  call: ReferringCall,
): Promise<JsonObject | Refusal> {
  if (responses.length > maxResponses) return tooMany(responses.length);
  const full = call.holding.kept(responses.length * maxSealedBytes);
  if (full) return full;
  try {
    return filledIn(body, await itemsOf(responses, call), call);
  } finally {
    call.holding.kept(0);
  }
}

async function itemsOf(
  responses: readonly string[],
  { owner, store }: ReferringCall,
): Promise<Map<string, JsonObject>> {
  const keys = responses.map((random) => new ResponseKey(owner, random));
  const sealed = await store.read(keys.map(({ id }) => id));
  const items = new Map<string, JsonObject>();
  for (const [n, key] of keys.entries()) {
    const text = sealed[n] ?? '';
    if (text === '') continue;
    for (const item of await key.unseal(text)) items.set(textIn(item, 'id'), item);
  }
  return items;
}

function filledIn(
  body: JsonObject,
  items: ReadonlyMap<string, JsonObject>,
  { bodyBytes, maxBodyBytes, holding }: ReferringCall,
): JsonObject | Refusal {
  const { input } = body;
  if (!Array.isArray(input) || items.size === 0) return body;
  const sizes = new Map<JsonObject, number>();
  let bytes = bodyBytes;
  const whole: JsonValue[] = [];
  for (const item of input) {
    const kept = items.get(referenceIn(item) ?? '');
    if (kept !== undefined) {
      const size = sizes.get(kept) ?? Buffer.byteLength(JSON.stringify(kept));
      sizes.set(kept, size);
      bytes += size;
    }
    whole.push(kept ?? item);
  }
  if (bytes > maxBodyBytes) return tooLarge(maxBodyBytes);
  return holding.body(bytes) ?? { ...body, input: whole };
}

/** The id that an item of the input refers to; null if it is another kind of item. */
function referenceIn(item: JsonValue): string | null {
  return isJsonObject(item) && kindOf(item) === 'item_reference' ? textIn(item, 'id') : null;
}

function tooMany(count: number): Refusal {
  const message = `input refers to items of ${count} responses, and at most ${maxResponses} are possible. Send the items themselves, as clients do with store: false.`;
  return invalidBody([{ param: 'input', message }]);
}

function tooLarge(maxBodyBytes: number): Refusal {
  const message = `With the items that input refers to, the request body is larger than ${maxBodyBytes} bytes.`;
  return new Refusal('body_too_large', message, { param: 'input' });
}
