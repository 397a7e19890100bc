/** The roles an administrator can have; `src/access/permission.ts` says what each may do. */
export const administratorRoles = ['admin', 'team-admin', 'auditor'] as const;
export type AdministratorRole = (typeof administratorRoles)[number];

/** Who administers: the holder of ADMIN_KEY or of the key before it, or of an administrator's token. */
export type Actor =
  | { kind: 'root'; key: 'current' | 'previous' }
  | {
      kind: 'administrator';
      /** `adm_…`, or `oidc-…` if an OpenID provider vouches for them. */
      id: string;
      role: AdministratorRole;
      /** The teams it is limited to; null: all of them. */
      teams: readonly string[] | null;
    };

/** The teams whose records and figures an actor may see; null: all of them. */
export function visibleTeams(actor: Actor): readonly string[] | null {
  switch (actor.kind) {
    case 'root':
      return null;
    case 'administrator':
      return actor.teams;
  }
}
