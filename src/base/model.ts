import type { EndpointKind } from './request.ts';

/** What a model is for. */
export type ModelKind = 'chat' | 'embeddings' | 'images' | 'rerank';

/** The kind of model that an endpoint calls. */
export const modelKindOf: Readonly<Record<EndpointKind, ModelKind>> = {
  chat: 'chat',
  embeddings: 'embeddings',
  images: 'images',
  messages: 'chat',
  rerank: 'rerank',
  agents: 'chat',
};

/** A model as an upstream's `GET /available-models` lists it. */
export interface ListedModel {
  /** Empty where the upstream names none that is known here. */
  kinds: readonly ModelKind[];
  regions: readonly string[];
}

/** What the upstreams say they serve. */
export interface ListedModels {
  /** The models listed where an attachment is; null while that has never been told. */
  at(baseUrl: string): ReadonlyMap<string, ListedModel> | null;
}

/** The model an id stands for: itself, unless it is an alias of the catalogue. */
export type RealModel = (id: string) => string;
