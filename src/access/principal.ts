import type { Credential, Identity, Policy, Principal, ProofRule } from '../identity/records/identity.ts';
import { attemptBounds } from './attempt-bounds.ts';
import { callerTags } from './caller-tags.ts';
import { endUserLimits, endUserOf } from '../identity/records/end-user.ts';
import { secretEndMs } from '../identity/records/secret.ts';
import { scopedLimits } from '../identity/records/scoped-limits.ts';
import type { Limit } from '../base/limit.ts';

/**
 * Makes an identity ready for the hot path: its limits in the order of admission, its expiry as a number. Raises that have
 * ended at `nowMs`, by the store's clock, are left out.
 */
export function makePrincipal(identity: Identity, credential: Credential, nowMs = 0): Principal {
  const { gateway, team, user, token, session } = identity;
  const endUser = endUserOf(identity);
  const limits = [
    ...scopedLimits('gateway', { limits: gateway }),
    ...scopedLimits('team', team, nowMs),
    ...scopedLimits('user', user, nowMs),
    ...scopedLimits('token', token, nowMs),
    ...scopedLimits('session', { limits: session?.limits ?? [] }),
    ...endUserLimits(identity, endUser),
  ].sort((a, b) => rank(a.limit) - rank(b.limit));
  return {
    identity,
    credential,
    endUser,
    policy: policyOf(identity),
    tags: callerTags(identity, limits),
    limits,
    attempts: attemptBounds(identity, limits),
    proof: proofRule(identity),
    expiresAtMs: Math.min(
      expiry(token.expires_at),
      expiry(session?.expires_at ?? null),
      secretEndMs(identity, credential),
    ),
  };
}

/** Computed once for a cached identity: whatever changes one of the lists also moves the team's epoch. */
function policyOf({ team, token, session }: Identity): Policy {
  return {
    models: within(within(session?.models ?? null, token.models), team.models),
    endpoints: within(within(session?.endpoints ?? null, token.endpoints), team.endpoints ?? null),
    tools: within(session === null ? null : (session.tools ?? []), token.tools ?? []).filter((tool) =>
      team.tools?.includes(tool),
    ),
  };
}

/** Null, unless the session is bound to a key or its token asks for that. */
function proofRule({ token, session }: Identity): ProofRule | null {
  if (session === null) return null;
  const { session_proof: asked = null } = token;
  const jkt = session.cnf?.jkt ?? null;
  if (jkt === null && asked === null) return null;
  return { jkt, nonce: asked === 'nonce' || asked === 'once', once: asked === 'once' };
}

function within<B extends readonly string[] | null>(
  list: readonly string[] | null,
  bound: B,
): readonly string[] | B {
  return list === null || bound === null ? (list ?? bound) : list.filter((item) => bound.includes(item));
}

function expiry(at: string | null): number {
  return at === null ? Infinity : Date.parse(at);
}

const windowRank = { month: 0, day: 1, hour: 2, minute: 3 } as const;

/** Longest window first, so that a refusal names the limit that matters. Sorting is stable: gateway, team, user, token, session, end user. */
function rank(limit: Limit): number {
  return limit.metric === 'concurrency' ? 4 : windowRank[limit.window];
}
