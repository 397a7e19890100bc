import { isDeepStrictEqual } from 'node:util';
import type { Authenticated, Authenticator } from '../access/authenticator.ts';
import type { RealModel } from '../base/model.ts';
import { Refusal } from '../base/refusal.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import type { IdentityDeps } from '../identity/operations/records.ts';
import { withRealModels } from '../identity/records/aliases.ts';
import type { Credential, Principal, Token } from '../identity/records/identity.ts';
import { limitsWithin } from '../sessions/narrow.ts';
import { type NewSession, sessionPolicyOf } from '../sessions/schema.ts';
import type { VerifiedIdToken } from './id-token.ts';
import { SignInRefusal } from './oauth-error.ts';
import { adjust, isUserOf, type Person, provide, release, signInKey, type TokenPolicy } from './provision.ts';
import { teamFor } from './rules.ts';

/* The token in a team that stands for a person whom an issuer vouches for. */

export interface PersonTokenDeps extends IdentityDeps {
  authenticator: Authenticator;
  realModel: RealModel;
}

/** The person an ID token is about, in the team that the rules of its issuer give. */
export function personOf(
  { issuer, subject, claims }: VerifiedIdToken,
  realModel: RealModel,
): Person | SignInRefusal {
  const team = teamFor(issuer, claims);
  if (team instanceof SignInRefusal) return team;
  const policy = { ...policyIn(entrySession(issuer, realModel)), session_proof: issuer.sessionProof ?? null };
  return { issuer, subject, claims, team, policy };
}

/** The person's token as the store knows it now. The first time, it is made, and its user if the issuer's entry says so. */
export async function tokenOf(deps: PersonTokenDeps, person: Person): Promise<Authenticated | SignInRefusal> {
  const { authenticator } = deps;
  const credential: Credential = { secretHash: signInKey(person), session: null };
  let found = await authenticator.refresh(credential);
  if (!(found instanceof Refusal) && !isUserOf(found.principal.identity.user, person)) {
    const refusal = await release(deps, found.principal.identity.token);
    if (refusal) return inOAuthWords(refusal);
    found = await authenticator.refresh(credential);
  }
  if (found instanceof Refusal && found.code === 'invalid_token') {
    const refusal = await provide(deps, person);
    if (refusal) return refusal;
    found = await authenticator.refresh(credential);
  }
  if (found instanceof Refusal) return inOAuthWords(found);
  const { token } = found.principal.identity;
  const policy = { ...policyIn(token), session_proof: token.session_proof ?? null };
  if (isDeepStrictEqual(policy, person.policy)) return found;
  const adjusted = await adjust(deps, person, token);
  if (adjusted instanceof Refusal) return inOAuthWords(adjusted);
  const refreshed = await authenticator.refresh(credential);
  return refreshed instanceof Refusal ? inOAuthWords(refreshed) : refreshed;
}

/** The session that an issuer's entry gives the holder of such a token. */
export function sessionWithin(
  issuer: TrustedIssuer,
  { limits }: Principal,
  realModel: RealModel,
): NewSession {
  const session = entrySession(issuer, realModel);
  return { ...session, limits: limitsWithin(session.limits ?? [], limits) };
}

/** The token that its policy is compared with has its aliases replaced, too. */
function entrySession({ session }: TrustedIssuer, realModel: RealModel): NewSession {
  return withRealModels(sessionPolicyOf(session), realModel);
}

function policyIn(from: NewSession | Token): Omit<TokenPolicy, 'session_proof'> {
  const { models = null, endpoints = null, origins = null, tools = null } = from;
  const { tags = null, request_tags = null } = from;
  return { models, endpoints, origins, tools, tags, request_tags };
}

export function inOAuthWords({ code, message, status, headers }: Refusal): SignInRefusal {
  const when = 'retry-after' in headers ? { retryAfterS: Number(headers['retry-after']) } : {};
  if (code === 'rate_limit_exceeded') return new SignInRefusal('slow_down', message, when);
  if (status >= 500) return new SignInRefusal('temporarily_unavailable', message, when);
  // The parent exists, but is revoked, or narrower than the entry of its issuer.
  return new SignInRefusal('access_denied', message);
}
