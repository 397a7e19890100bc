/** What is left of one of an inference key's limits. */
export interface LimitWindow {
  remaining: number;
  /** Of a whole window; Infinity if it is not known. */
  limit: number;
  /** When the next window begins. */
  resetAtMs: number;
}

/** What is known of a key's quota. All times are by one clock, ms. */
export interface RateLimitSnapshot {
  /** When the upstream said so. */
  atMs: number;
  /** A 429 has said to send nothing before then. */
  blockedUntilMs: number;
  requests: LimitWindow | null;
  tokens: LimitWindow | null;
}

/** A snapshot and the hash of its key. Times are by the store's clock, `atMs` in whole ms. */
export interface SharedSnapshot {
  keyHash: string;
  reading: RateLimitSnapshot;
}
