import { createHmac, hash } from 'node:crypto';
import { z } from 'zod';
import type { Administrator } from '../identity/records/administrator.ts';
import type { Token } from '../identity/records/identity.ts';

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
]);
export type Holder = z.infer<typeof holder>;

export function rootHolder(adminKey: string): Holder {
  return { kind: 'root', seal: sealOfKey(adminKey) };
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
  return sealOf([user, models, endpoints, origins, tools, limits, end]);
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
