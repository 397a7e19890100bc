/** Kinds of models: the upstream's types in `GET /available-models`, and the name in messages. */
export const modelKinds = {
  chat: { upstreamType: 'text-to-text', label: 'a chat model' },
  embeddings: { upstreamType: 'text-to-embedding', label: 'an embeddings model' },
  images: { upstreamType: 'text-to-image', label: 'an image model' },
  rerank: { upstreamType: 'text-to-ranking', label: 'a rerank model' },
} as const;

export type ModelKind = keyof typeof modelKinds;

/** A model as an upstream's `GET /available-models` lists it. */
export interface ListedModel {
  /** Empty if the upstream names no kind that is known here. */
  kinds: readonly ModelKind[];
  regions: readonly string[];
}

/** The models that the upstreams list. */
export interface ListedModels {
  /** The models listed at an attachment's URL; null if its upstream has never answered. */
  at(baseUrl: string): ReadonlyMap<string, ListedModel> | null;
}

/** The model an id stands for: itself, unless it is an alias of the catalogue. */
export type RealModel = (id: string) => string;
