import type { z } from 'zod';
import type { Refusal } from './refusal.ts';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export type EndpointKind = 'chat' | 'embeddings' | 'images';

/** A body that passed validation, with what policy, limits and forwarding need to know of it. */
export interface ValidRequest {
  endpoint: Endpoint;
  model: string;
  stream: boolean;
  /** The parsed value, normalised; this, written out again, is what the upstream gets. */
  body: JsonObject;
  /** The most output tokens the body itself allows, per choice; null where it bounds nothing; 0 where there is no output. */
  outputBound: number | null;
  /** `n`, at least 1. */
  choices: number;
  /** Images asked for; 0 on other endpoints. */
  images: number;
  /** Image parts in messages, and the bytes of their URLs (not counted as text). */
  imageParts: number;
  imageUrlBytes: number;
  /** Names of `heroku_tool` and `mcp` tools the body asks to run. */
  remoteTools: readonly string[];
}

/** What the API's description says of an endpoint. */
export interface AboutEndpoint {
  /** A line, in the imperative. */
  summary: string;
  body: z.ZodType;
  /** What the upstream answers, as far as it is documented. */
  answer: z.ZodType;
  /** Whether it answers as a stream where `stream` is true. */
  streams: boolean;
}

/** A data-plane endpoint: one schema file and one line in the registry. */
export interface Endpoint {
  path: string;
  kind: EndpointKind;
  about: AboutEndpoint;
  /** The least body that is valid: a pinned request is checked with it around. */
  least: JsonObject;
  /** What the holder of a pinned session may send unless `allow` says otherwise. */
  open: readonly string[];
  /** Names of the same thing: who pins one pins all. */
  aliases: readonly (readonly string[])[];
  /** Pure. `maxOutputTokens` is the catalogue's bound for a model, or null. */
  validate(value: JsonObject, maxOutputTokens: (model: string) => number | null): ValidRequest | Refusal;
}
