import { createHmac, hash } from 'node:crypto';
import { z } from 'zod';
import { administratorRoles } from '../base/actor.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import type { Administrator } from '../identity/records/administrator.ts';
import type { Token } from '../identity/records/identity.ts';
import { userIdFor } from '../identity/records/end-user.ts';

/**
 * Whose session of the console it is, as the store keeps it. `seal` tells whether the holder is still what it was at
 * sign-in: a session ends if its administrator, its token or ADMIN_KEY changes.
 */
const holder = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('root'), seal: z.string() }),
  z.object({ kind: z.literal('administrator'), id: z.string(), secretHash: z.string(), seal: z.string() }),
  z.object({
    kind: z.literal('token'),
    team: z.string(),
    id: z.string(),
    secretHash: z.string(),
    seal: z.string(),
  }),
  z.object({
    kind: z.literal('oidc'),
    issuer: z.string(),
    subject: z.string(),
    id: z.string(),
    name: z.string(),
    seal: z.string(),
    as: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('administrator'),
        role: z.enum(administratorRoles),
        teams: z.array(z.string()).readonly().nullable(),
      }),
      z.object({ kind: z.literal('token'), team: z.string(), seal: z.string() }),
    ]),
  }),
]);
export type Holder = z.infer<typeof holder>;
export type OidcHolder = Extract<Holder, { kind: 'oidc' }>;

/** The holder of ADMIN_KEY, or of the key before it: whoever signs in with that ends with it. */
export function rootHolder(key: 'current' | 'previous', { adminKey, previousAdminKey }: AdminKeys): Holder {
  return { kind: 'root', seal: sealOfKey(key === 'current' ? adminKey : (previousAdminKey ?? '')) };
}

export interface AdminKeys {
  adminKey: string;
  previousAdminKey: string | null;
}

export function administratorHolder(administrator: Administrator, secretHash: string): Holder {
  return {
    kind: 'administrator',
    id: administrator.id,
    secretHash,
    seal: sealOfAdministrator(administrator),
  };
}

export function tokenHolder(token: Token, secretHash: string): Holder {
  return { kind: 'token', team: token.team, id: token.id, secretHash, seal: sealOfToken(token) };
}

/** A person whom an issuer vouches for, with what its rules made of them. Their id is that of a user whom it makes. */
export function oidcHolder({
  issuer,
  ...who
}: Pick<OidcHolder, 'subject' | 'name' | 'as'> & { issuer: TrustedIssuer }): OidcHolder {
  const id = userIdFor(issuer.issuer, who.subject);
  return { kind: 'oidc', issuer: issuer.issuer, id, seal: sealOfIssuer(issuer), ...who };
}

/** Of all that says who somebody is and what they may do. The label, and what sessions for models get, may change. */
export function sealOfIssuer(entry: TrustedIssuer): string {
  const { issuer, jwksUri, algorithms, isPublic, team, require, users, console: client } = entry;
  const { takesTextEmailVerified = null } = entry;
  const { clientId, roles } = client ?? {};
  return sealOf([
    issuer,
    jwksUri,
    algorithms,
    isPublic,
    team,
    require,
    users,
    takesTextEmailVerified,
    clientId,
    roles,
  ]);
}

/** Of an ADMIN_KEY, which may be short enough to be guessed: a keyed hash, so that no table of hashes fits. */
export function sealOfKey(adminKey: string): string {
  return createHmac('sha256', adminKey).update('tollgate console').digest('base64url');
}

export function sealOfAdministrator({ role, teams, expires_at: end }: Administrator): string {
  return sealOf([role, teams, end]);
}

/** What the token may do. Its name and its secrets may change: a session ends with its own secret. */
export function sealOfToken(token: Token): string {
  const { user, models, endpoints, origins, tools, limits, expires_at: end } = token;
  const { tags, request_tags: requestTags, session_proof: proof, end_user_limits: ofEndUsers } = token;
  // Fields that came later: the sessions of tokens without them go on.
  const tagged = tags || requestTags ? [tags ?? null, requestTags ?? null] : [];
  const proven = proof ? [proof] : [];
  const limited = ofEndUsers ? [{ ofEndUsers }] : [];
  return sealOf([user, models, endpoints, origins, tools, limits, end, ...tagged, ...proven, ...limited]);
}

function sealOf(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}

/** Whom the sessions of a holder are listed under. */
export function nameOf(of: Holder): string {
  switch (of.kind) {
    case 'root':
      return 'root';
    case 'administrator':
      return of.id;
    case 'token':
      return `${of.team}/${of.id}`;
    case 'oidc':
      return of.id;
  }
}

/** A holder from the store; null if an older or newer gateway wrote what this one cannot read. */
export function parseHolder(text: string): Holder | null {
  try {
    return holder.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
