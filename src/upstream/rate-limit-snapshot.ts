/** What is left of one of an inference key's limits. */
export interface Left {
  remaining: number;
  /** How much there is in a whole window; Infinity where that is not known. */
  limit: number;
  /** When it is whole again. */
  resetAtMs: number;
}

/** What is known of the room that a key has. All times on one clock, ms. */
export interface RateLimitSnapshot {
  /** When the upstream said so. */
  atMs: number;
  /** It has said that it takes nothing before then. */
  blockedUntilMs: number;
  requests: Left | null;
  tokens: Left | null;
}

/** A reading by a hash of its key, its times by the store's clock; when it came in whole ms. */
export interface SharedSnapshot {
  keyHash: string;
  reading: RateLimitSnapshot;
}

/** What processes tell each other of the keys they share. Rejects with `StoreUnavailable`. */
export interface SnapshotStore {
  /** Leaves what is news, and gives back the newest there is of each of these keys. */
  share(keyHashes: readonly string[], news: readonly SharedSnapshot[]): Promise<SharedSnapshot[]>;
}
