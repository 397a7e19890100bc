import type { RealModel } from '../base/model.ts';
import { Refusal } from '../base/refusal.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import { isHeldByNobody } from '../identity/records/secret.ts';
import type { SessionMinter } from '../sessions/minter.ts';
import { defaultLifeS, personLimitsOf } from '../sessions/schema.ts';
import { sessionWithin } from '../sign-in/person-token.ts';
import { userIdFor } from '../identity/records/end-user.ts';

interface PersonMinterDeps {
  minter: Pick<SessionMinter, 'mint'>;
  issuers: readonly TrustedIssuer[];
  realModel: RealModel;
}

/**
 * Makes the sessions that the console's pages ask for. One of a person who signed in with a provider gets what
 * `POST /oauth/token` would give: the limits that all of their sessions share, and the request that the issuer's entry pins.
 */
export function personMinter({ minter, issuers, realModel }: PersonMinterDeps): Pick<SessionMinter, 'mint'> {
  const entries = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  return {
    async mint(parent, asked, person = null) {
      const { token, user } = parent.identity;
      if (!isHeldByNobody(token)) return minter.mint(parent, asked, person);
      const { issuer = '', sub = '' } = user.subject ?? {};
      const entry = entries.get(issuer);
      if (entry === undefined) return notTrusted();
      if (asked.pinned || asked.limits || asked.end_user) return decidedByEntry();
      const { limits, pinned, expires_in: longestS } = sessionWithin(entry, parent, realModel);
      const livesS = Math.min(asked.expires_in ?? longestS ?? defaultLifeS, longestS ?? Infinity);
      const signedIn = { id: userIdFor(issuer, sub), limits: personLimitsOf(entry.person) };
      return minter.mint(parent, { ...asked, limits, pinned, expires_in: livesS }, signedIn);
    },
  };
}

function notTrusted(): Refusal {
  return new Refusal(
    'role_not_allowed',
    'The provider of this account is not trusted any more. Ask the operator.',
  );
}

function decidedByEntry(): Refusal {
  const message =
    'Sessions of this account are for the person who signed in, with the limits and the pinned request that the entry of its provider gives. Leave out end_user, limits and pinned.';
  return new Refusal('wider_than_parent', message);
}
