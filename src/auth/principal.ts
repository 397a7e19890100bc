import type { Identity, Principal, ScopedLimit } from '../core/identity.ts';
import type { Limit, Scope, StoredLimit } from '../core/limit.ts';

/** Makes an identity ready for the hot path: its limits in the order of admission, its expiry as a number. */
export function makePrincipal(identity: Identity, secretHash: string): Principal {
  const { team, user, token } = identity;
  return {
    identity,
    secretHash,
    limits: [
      ...scoped('team', team.limits),
      ...scoped('user', user.limits),
      ...scoped('token', token.limits),
    ].sort((a, b) => rank(a.limit) - rank(b.limit)),
    expiresAtMs: token.expires_at === null ? Infinity : Date.parse(token.expires_at),
  };
}

function scoped(scope: Scope, limits: readonly StoredLimit[]): ScopedLimit[] {
  return limits.map((limit) => ({ scope, limit }));
}

const windowRank = { month: 0, day: 1, hour: 2, minute: 3 } as const;

/** Longest window first, so that a refusal names the limit that matters. Sorting is stable: team, user, token. */
function rank(limit: Limit): number {
  return limit.metric === 'concurrency' ? 4 : windowRank[limit.window];
}
