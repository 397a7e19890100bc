import type { z } from 'zod';
import type { Refusal } from './refusal.ts';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export type EndpointKind = 'chat' | 'embeddings' | 'images' | 'messages' | 'rerank' | 'agents';

/** A body that passed validation, with what policy, limits and forwarding need to know of it. */
export interface ValidRequest {
  endpoint: Endpoint;
  model: string;
  stream: boolean;
  /** The parsed value, normalised; this, written out again, is what the upstream gets. */
  body: JsonObject;
  /** The most output tokens the body itself allows, per choice; null where it bounds nothing; 0 where there is no output. */
  outputBound: number | null;
  /** How many times that much may be written, at least 1: `n`, or the inferences of an agent. */
  choices: number;
  /** Images asked for; 0 on other endpoints. */
  images: number;
  /** Search units that a rerank is reckoned to be billed; absent on other endpoints. */
  searchUnits?: number;
  /** Image parts in messages, and the bytes of their URLs or of other data (not counted as text). */
  imageParts: number;
  imageUrlBytes: number;
  /** The tools that run elsewhere which the body asks for, as a token's `tools` must name them: `name`, or `name@app`. */
  remoteTools: readonly string[];
}

/** What the API's description says of an endpoint. */
export interface EndpointDocs {
  /** A line, in the imperative. */
  summary: string;
  /** What else is worth knowing; whole sentences. */
  details?: string;
  body: z.ZodType;
  /** What the upstream answers, as far as it is documented; null where it is always a stream. */
  answer: z.ZodType | null;
  /** Whether it answers as a stream, where `stream` is true or always. */
  streams: boolean;
}

/** A data-plane endpoint: one schema file and one line in the registry. */
export interface Endpoint {
  path: string;
  kind: EndpointKind;
  /** A token may use it only where its `endpoints` name it: an absent list does not admit it. */
  mustBeNamed?: true;
  /** The field that bounds the output; absent: `max_tokens`. */
  outputField?: string;
  docs: EndpointDocs;
  /** The least body that is valid: a pinned request is checked with it around. */
  least: JsonObject;
  /** What the holder of a pinned session may send unless `allow` says otherwise. */
  open: readonly string[];
  /** Names of the same thing: who pins one pins all. */
  aliases: readonly (readonly string[])[];
  /** Pure. `maxOutputTokens` is the catalogue's bound for a model, or null. */
  validate(value: JsonObject, maxOutputTokens: (model: string) => number | null): ValidRequest | Refusal;
}
