import { email } from '../base/fields.ts';
import type { ClaimValue, RoleRule, TeamRule, TrustedIssuer } from '../config/issuer.ts';
import { invalidRequest, type SignInRefusal } from './oauth-error.ts';

/** The payload of an ID token whose signature was verified. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * The team of the person an ID token is about, if the `require` rules of its issuer hold. An `invalid_request` if one
 * does not, or if the rules give no team (RFC 8693, 2.2.2). Pure.
 */
export function teamFor(issuer: TrustedIssuer, claims: Claims): string | SignInRefusal {
  const { team } = issuer;
  return (
    requirementRefusal(issuer, claims) ?? (team.kind === 'fixed' ? team.team : teamByClaim(team, claims))
  );
}

/** Why the person may not sign in by the `require` rules of the issuer; null if they may. Pure. */
export function requirementRefusal({ require }: TrustedIssuer, claims: Claims): SignInRefusal | null {
  const unmet = Object.entries(require).find(([claim, allowed]) => !hasOneOf(claims, claim, allowed));
  return unmet ? refuse(claims, unmet[0], 'does not have a value that may sign in here') : null;
}

/**
 * The role that the person has in the console: that of the first rule that they meet, for the teams of all rules with this
 * role that they meet. Null if they meet none. Pure.
 */
export function roleFor(
  { console: client }: TrustedIssuer,
  claims: Claims,
): Pick<RoleRule, 'role' | 'teams'> | null {
  const met = client?.roles.filter(({ claim, values }) => hasOneOf(claims, claim, values)) ?? [];
  const [first] = met;
  if (first === undefined) return null;
  const lists = met.filter(({ role }) => role === first.role).map(({ teams }) => teams);
  const teams = lists.some((list) => list === null)
    ? null
    : [...new Set(lists.flatMap((list) => list ?? []))];
  return { role: first.role, teams };
}

/** The e-mail address that the issuer has verified, or null. Pure. */
export function verifiedEmail(claims: Claims): string | null {
  const [address] = valuesOf(claims, 'email');
  return email.safeParse(address).data ?? null;
}

/** If several values of a claim have a team, the team that the operator wrote first. */
function teamByClaim(rule: TeamRule & { kind: 'claim' }, claims: Claims): string | SignInRefusal {
  const values = new Set(valuesOf(claims, rule.claim));
  const found = Object.entries(rule.teams).find(([value]) => values.has(value));
  return found?.[1] ?? refuse(claims, rule.claim, 'does not have a value that belongs to a team here');
}

function hasOneOf(claims: Claims, claim: string, allowed: readonly ClaimValue[]): boolean {
  const values = valuesOf(claims, claim);
  return allowed.some((value) => values.includes(value));
}

/**
 * The values of a claim; own properties only, since every object inherits a `constructor`. Claims about an e-mail
 * address have no values unless the issuer has verified it: many issuers let people enter any address.
 */
function valuesOf(claims: Claims, claim: string): readonly unknown[] {
  if (!Object.hasOwn(claims, claim)) return [];
  if (claim.startsWith('email') && !hasVerifiedEmail(claims)) return [];
  const value = claims[claim];
  return Array.isArray(value) ? value : [value];
}

/** The JSON `true` only (OIDC Core 5.1): a string `"true"` is not what the standard says. */
function hasVerifiedEmail(claims: Claims): boolean {
  return Object.hasOwn(claims, 'email_verified') && claims['email_verified'] === true;
}

function refuse(claims: Claims, claim: string, problem: string): SignInRefusal {
  const unverified = claim.startsWith('email') && !hasVerifiedEmail(claims);
  const remedy = unverified
    ? 'Its email_verified is not true: verify the address at the issuer.'
    : 'Sign in with another account, or ask the operator of this gateway.';
  return invalidRequest(`The claim ${claim} of the ID token ${problem}. ${remedy}`);
}
