/** What a claim link shows once. */
export interface ClaimedToken {
  id: string;
  /** The secret itself. */
  token: string;
  team: string;
  user: string;
}

/** What is under a code: a sealed token that waits, the time it was opened, or nothing (any more). */
export type ClaimState =
  { kind: 'waiting'; expiresAtMs: number } | { kind: 'opened'; atMs: number } | { kind: 'none' };

/** A token as it is stored under a code. Everything but `sealed` can be read without the code. */
export interface SealedClaim {
  sealed: string;
  livesMs: number;
  /** Whose it is, for the audit trail. */
  team: string;
  tokenId: string;
}
