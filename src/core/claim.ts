/** What a claim link shows, once. */
export interface ClaimedToken {
  id: string;
  /** The secret itself. */
  token: string;
  team: string;
  user: string;
}

/** Makes links that show a token once. Rejects with `StoreUnavailable`. */
export interface ClaimMaker {
  /** `host`: the Host of the request, where it had one; without it the link is a path. */
  make(claimed: ClaimedToken, host: string | undefined): Promise<{ url: string; expiresAtMs: number }>;
}

/** What there is under a code: something sealed that waits, the time it was opened, or nothing (any more). */
export type ClaimState =
  { kind: 'waiting'; expiresAtMs: number } | { kind: 'opened'; atMs: number } | { kind: 'none' };

/** Sealed tokens by the hash of their code. Methods reject with `StoreUnavailable`. */
export interface ClaimStore {
  /** Keeps something sealed for so long; when it goes, by the store's clock, ms. */
  put(codeHash: string, sealed: string, livesMs: number): Promise<number>;
  /** What there is, without touching it. */
  look(codeHash: string): Promise<ClaimState>;
  /** Takes what is sealed out, the first time; that it was opened is remembered for a day. Works in a full store. */
  open(
    codeHash: string,
  ): Promise<{ kind: 'sealed'; sealed: string } | Exclude<ClaimState, { kind: 'waiting' }>>;
}
