import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { ExactNumber } from './exact-number.ts';
import type { ModelKind } from './model.ts';
import type { ErrorCode, Refusal } from './refusal.ts';

export type JsonValue =
  string | number | ExactNumber | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** The value with plain numbers for exact ones, except in objects under the name `exceptIn`. */
export function plainNumbers(value: JsonValue, exceptIn?: string): JsonValue {
  if (value instanceof ExactNumber) return value.value;
  if (Array.isArray(value)) return value.map((item) => plainNumbers(item, exceptIn));
  return isJsonObject(value) ? plainNumbersIn(value, exceptIn) : value;
}

export function plainNumbersIn(object: JsonObject, exceptIn?: string): JsonObject {
  const entries = Object.entries(object).map(([key, value]): [string, JsonValue] => {
    return [key, key === exceptIn && isJsonObject(value) ? value : plainNumbers(value, exceptIn)];
  });
  return Object.fromEntries(entries);
}

/** True for a JSON object: not an array, not null. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return isRecord(value) && !(value instanceof ExactNumber);
}

/** The same for a value whose fields may hold anything. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of bytes; null if they are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | null {
  return isUtf8(bytes) ? new TextDecoder().decode(bytes) : null;
}

/** The value of a JSON text; undefined if it is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * How an endpoint's answers are known and read: for usage, text, images, errors and the end of a stream. `openai` is a
 * chat; `cohere` reports search units, and its text is the caller's own.
 */
export type AnswerFormat =
  'openai' | 'openai-embeddings' | 'openai-images' | 'anthropic' | 'heroku-agents' | 'cohere';

/** The shape a stream's frames are rewritten to, for clients that read only one. */
export const allFrames = ['openai'] as const;
export type Frames = (typeof allFrames)[number];

/** A body that passed validation, with what policy, limits and forwarding need to know about it. */
export interface ValidRequest {
  endpoint: Endpoint;
  model: string;
  stream: boolean;
  /** The parsed value, normalized. Written out again, it is what the upstream gets. */
  body: JsonObject;
  /** The most output tokens per choice that the body allows; null if it sets no bound; 0 if there is no output. */
  outputBound: number | null;
  /** How many tokens the model may think; absent if nothing is said of that. It is no bound of the answer. */
  thinkingTokens?: number;
  /** How many outputs of that size there may be, at least 1: `n`, or the inferences of an agent. */
  choices: number;
  /** Images asked for; 0 on other endpoints. */
  images: number;
  /** The search units that a rerank is expected to cost; absent on other endpoints. */
  searchUnits?: number;
  /** What images, documents and audio in the body are estimated at, and their bytes in it, which do not count as text. */
  mediaTokens: number;
  mediaBytes: number;
  /** What was changed of what the caller asked for, as `x-tollgate-adjusted` says it; absent if nothing was. */
  adjusted?: readonly string[];
  /** The tools in the body that run elsewhere, as a token's `tools` must name them: `name` or `name@app`. */
  remoteTools: readonly string[];
  /** Models that the body names besides its own; absent if there are none. */
  furtherModels?: readonly string[];
  /** What the translation of its answer needs to know; absent if the answer goes out as it comes. */
  translation?: Translation;
}

/** What a translated answer takes from its request. */
export interface Translation {
  /**
   * The fields of a response that repeat the request, such as instructions, tools and temperature: JSON members without
   * braces. It is UTF-8 as Latin-1, as answers are written.
   */
  readonly repeated: string;
  /** Whether the items of its answer may be kept, for requests that refer to them. */
  readonly stored: boolean;
  /** The tools whose input is plain text. The upstream has them as functions with one field, `input`. */
  readonly customTools: ReadonlySet<string>;
  /** The tools that belong to a namespace, by the name that the upstream has for them; absent: there are none. */
  readonly namespaced?: ReadonlyMap<string, { readonly namespace: string; readonly name: string }>;
}

/** What the OpenAPI document says about an endpoint. */
export interface EndpointDocs {
  /** One line, in the imperative. */
  summary: string;
  /** Anything else worth knowing, in whole sentences. */
  details?: string;
  body: z.ZodType;
  /** The upstream's answer, as far as it is documented; null if it is always a stream. */
  answer: z.ZodType | null;
  /** Whether it can answer with a stream: if `stream` is true, or always. */
  streams: boolean;
  /** Error codes that only some endpoints have. */
  refusals?: readonly ErrorCode[];
}

/** Where a body has what was said so far. The holder of a pinned session may continue it, but not speak for the developer. */
export interface Conversation {
  /** A list of what was said; its entries come after those that are pinned. */
  field: string;
  /** The field's value as a list, also if it may be given in another form; null if it is none. */
  entries: (value: JsonValue) => readonly JsonValue[] | null;
  /** Who says an entry, and the field of it that tells; null if validation will refuse it. */
  speaker: (entry: JsonValue) => { role: string; field: 'role' | 'type' } | null;
}

/**
 * A data-plane endpoint. The gateway needs two files for a new one: its entry here (`validation/endpoints/…`) and its
 * line in `validation/registry.ts`. The type checker then asks for a stand-in answer and for test bodies; CONTRIBUTING
 * ("Recipes: an endpoint") lists every file.
 */
export interface Endpoint {
  path: string;
  /** The kind of model it calls: a model that is known to be of another kind is refused. */
  modelKind: ModelKind;
  answerFormat: AnswerFormat;
  /** The endpoint that the upstream has in its place; its requests and answers are translated. Absent: it has this one. */
  sentAs?: Endpoint;
  /** Its requests may refer to items of earlier answers, if those are kept. */
  keepsItems?: true;
  /** Only tokens whose `endpoints` list names it may use it; a token without such a list may not. */
  mustBeNamed?: true;
  /** The field that bounds the output; default: `max_tokens`. */
  outputField?: string;
  docs: EndpointDocs;
  /** The smallest valid body. Its fields are the required ones; the fields of a pinned session are checked with it. */
  minimalBody: JsonObject;
  /** The fields that the holder of a pinned session may send if the session has no `allow`. */
  defaultAllow: readonly string[];
  /** Absent: the endpoint has none. */
  conversation?: Conversation;
  /** Groups of field names that mean the same: pinning one pins them all. */
  fieldAliases: readonly (readonly string[])[];
  /**
   * Pure, but for exact numbers in documented fields of `value`, which become plain. `maxOutputTokens` gives the bound over
   * which a model's request is refused, or null. `sent` is what of `value` the caller sent, if a session has pinned the
   * rest: an answer may repeat nothing else.
   */
  validate(
    value: JsonObject,
    maxOutputTokens: (model: string) => number | null,
    sent?: JsonObject,
  ): ValidRequest | Refusal;
}

/** The endpoint of the upstream that answers an endpoint's requests: its own path, or the one they are translated for. */
export function sentTo(endpoint: Endpoint): Endpoint {
  return endpoint.sentAs ?? endpoint;
}

/** The number of values in a JSON value, itself included. Stops counting soon after `most`. */
export function valuesIn(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return 1;
  let count = 1;
  for (const inner of Object.values(value)) {
    count += valuesIn(inner, most - count);
    if (count > most) break;
  }
  return count;
}
