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

/** A token as it is put away under a code: all but `sealed` can be read without the code. */
export interface SealedClaim {
  sealed: string;
  livesMs: number;
  /** Whose it is, for the audit trail. */
  team: string;
  tokenId: string;
}

/** Sealed tokens by the hash of their code. Methods reject with `StoreUnavailable`. */
export interface ClaimStore {
  /** Keeps something sealed under a code nobody has had yet; when it goes, by the store's clock, ms. */
  put(codeHash: string, claim: SealedClaim): Promise<number>;
  /** What there is, without touching it. */
  look(codeHash: string): Promise<ClaimState>;
  /** Takes what is sealed out, the first time; that it was opened is remembered for a day. Works in a full store. */
  open(
    codeHash: string,
  ): Promise<{ kind: 'sealed'; sealed: string } | Exclude<ClaimState, { kind: 'waiting' }>>;
}
