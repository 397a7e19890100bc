/** What a model is for: how upstreams name its type in `GET /available-models`, and how messages name it. */
export const modelKinds = {
  chat: { upstreamType: 'text-to-text', label: 'a chat model' },
  embeddings: { upstreamType: 'text-to-embedding', label: 'an embeddings model' },
  images: { upstreamType: 'text-to-image', label: 'an image model' },
  rerank: { upstreamType: 'text-to-ranking', label: 'a rerank model' },
} as const;

export type ModelKind = keyof typeof modelKinds;

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
