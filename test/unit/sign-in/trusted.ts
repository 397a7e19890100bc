import type { TrustedIssuer } from '../../../src/config/issuer.ts';

/** A trusted issuer whose users all belong to the team acme, but for `fields`. */
export function trustedIssuer(fields: Partial<TrustedIssuer> = {}): TrustedIssuer {
  return {
    issuer: 'https://accounts.example.com',
    jwksUri: null,
    audiences: ['client-1', 'client-2'],
    algorithms: ['RS256', 'ES256'],
    isPublic: true,
    team: { kind: 'fixed', team: 'acme' },
    require: {},
    users: 'existing',
    maxExchanges: 20,
    session: {},
    ...fields,
  };
}
