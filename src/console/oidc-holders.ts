import { actingAs, type AuditContextOf } from '../audit/context.ts';
import { Refusal } from '../base/refusal.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import type { Call } from '../edge/call.ts';
import type { VerifiedIdToken } from '../sign-in/id-token.ts';
import { SignInRefusal } from '../sign-in/oauth-error.ts';
import { personOf, type PersonTokenDeps, tokenOf } from '../sign-in/person-token.ts';
import { isUserOf, signInKey } from '../sign-in/provision.ts';
import { requirementRefusal, roleFor, verifiedEmail } from '../sign-in/rules.ts';
import { type OidcHolder, oidcHolder, sealOfIssuer, sealOfToken } from './holder.ts';
import { changed } from './session-ended.ts';
import type { Who } from './who.ts';

export interface OidcHoldersDeps extends PersonTokenDeps {
  issuers: readonly TrustedIssuer[];
  auditContextOf: AuditContextOf;
}

/** People whom an OpenID provider vouches for: administrators by its rules, or holders of the token behind their sign-in. */
export class OidcHolders {
  readonly #deps: OidcHoldersDeps;
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;

  constructor(deps: OidcHoldersDeps) {
    this.#deps = deps;
    this.#issuers = new Map(deps.issuers.map((issuer) => [issuer.issuer, issuer]));
  }

  /**
   * The holder of a session for whom an ID token is about; a refusal if the rules give neither a role nor a user. May make
   * the user and the token, as every sign-in does. Rejects with `StoreUnavailable`.
   */
  async holderOf(verified: VerifiedIdToken, { asking }: Pick<Call, 'asking'>): Promise<OidcHolder | Refusal> {
    const { issuer, subject, claims } = verified;
    const unmet = requirementRefusal(issuer, claims);
    if (unmet) return inOurWords(unmet);
    const known = { issuer, subject, name: verifiedEmail(claims) ?? subject };
    const role = roleFor(issuer, claims);
    if (role) return oidcHolder({ ...known, as: { kind: 'administrator', ...role } });

    const person = personOf(verified, this.#deps.realModel);
    if (person instanceof SignInRefusal) return inOurWords(person);
    const context = this.#deps.auditContextOf('sign-in', asking);
    const found = await actingAs(context, () => tokenOf(this.#deps, person));
    if (found instanceof SignInRefusal) return inOurWords(found);
    const { token } = found.principal.identity;
    return oidcHolder({ ...known, as: { kind: 'token', team: person.team, seal: sealOfToken(token) } });
  }

  /** Who a holder is now; a refusal if the issuer's entry or the token has changed. */
  async whoIs({ issuer: name, subject, id, name: shown, seal, as }: OidcHolder): Promise<Who | Refusal> {
    const issuer = this.#issuers.get(name);
    if (issuer?.console === undefined || sealOfIssuer(issuer) !== seal) {
      return changed('What the people of your provider may do here');
    }
    if (as.kind === 'administrator') {
      const { role, teams } = as;
      return { kind: 'administrator', actor: { kind: 'administrator', id, role, teams }, name: shown };
    }
    const secretHash = signInKey({ issuer, subject, team: as.team });
    const caller = await this.#deps.authenticator.refresh({ secretHash, session: null });
    if (caller instanceof Refusal) return caller;
    const { user, token } = caller.principal.identity;
    const isSame = isUserOf(user, { issuer, subject }) && sealOfToken(token) === as.seal;
    return isSame ? { kind: 'token', caller } : changed('Your token');
  }
}

function inOurWords({ status, description }: SignInRefusal): Refusal {
  return new Refusal(status < 429 ? 'invalid_token' : 'store_unavailable', description);
}
