import type { Team, Token, User } from './identity.ts';

/** What becomes of a request with a token: the first of these that holds. */
export const tokenStates = ['revoked', 'expired', 'suspended', 'working'] as const;
export type TokenState = (typeof tokenStates)[number];

/** The state of a token. It is suspended if its user or its team is; null: that is not known. */
export function stateOf(
  { revoked_at: revoked, expires_at: expires }: Token,
  { team, user, nowMs }: { team: Team | null; user: User | null; nowMs: number },
): TokenState {
  if (revoked !== null) return 'revoked';
  if (expires !== null && Date.parse(expires) <= nowMs) return 'expired';
  return (team?.suspended_at ?? user?.suspended_at ?? null) === null ? 'working' : 'suspended';
}

/** When a token ended or ends, ms; Infinity if never. */
export function endOf({ revoked_at: revoked, expires_at: expires }: Token): number {
  const ends = [revoked, expires].map((at) => (at === null ? Infinity : Date.parse(at)));
  return Math.min(...ends);
}
