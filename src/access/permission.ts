import type { Actor, AdministratorRole } from '../base/actor.ts';
import { Refusal } from '../base/refusal.ts';

/**
 * What an operation of the admin API needs its caller to be allowed. Every operation declares one, and it is checked
 * in one place, before the operation runs.
 */
export type Need =
  /** Administrators themselves: root alone. */
  | 'administer'
  /** Creating, changing and deleting teams, and the settings of the gateway. */
  | 'change-gateway'
  /** Users and tokens of the team in the path. */
  | 'change-members'
  /** The team in the path. */
  | 'read-team'
  /** Lists and sums over teams. The operation shows an actor its `visibleTeams` only. */
  | 'read-lists'
  /** What covers all teams at once and cannot be split by team. */
  | 'read-gateway';

interface Rule {
  /** Who may, besides root. */
  roles: readonly AdministratorRole[];
  /** Of an actor limited to teams: `gateway` not at all, `team` for a team it has, `lists` with others left out. */
  reach: 'gateway' | 'team' | 'lists';
  /** What a refusal says is needed. */
  needed: string;
}

const rules: Readonly<Record<Need, Rule>> = {
  administer: { roles: [], reach: 'gateway', needed: 'the administrator key (ADMIN_KEY) itself' },
  'change-gateway': { roles: ['admin'], reach: 'gateway', needed: 'the role admin' },
  'change-members': {
    roles: ['admin', 'team-admin'],
    reach: 'team',
    needed: 'the role admin, or team-admin of the team',
  },
  'read-team': {
    roles: ['admin', 'team-admin', 'auditor'],
    reach: 'team',
    needed: 'the role admin, or team-admin or auditor of the team',
  },
  'read-lists': {
    roles: ['admin', 'team-admin', 'auditor'],
    reach: 'lists',
    needed: 'the role admin, team-admin or auditor',
  },
  'read-gateway': {
    roles: ['admin', 'auditor'],
    reach: 'gateway',
    needed: 'the role admin, or auditor of all teams',
  },
};

/** Who may do this besides root, in words. */
export function neededFor(need: Need): string {
  return rules[need].needed;
}

/**
 * Null if the actor may do this, else the 403. `teams` are all teams that the request names. Whether they exist does
 * not change the answer.
 */
export function permit(actor: Actor, need: Need, teams: readonly string[]): Refusal | null {
  switch (actor.kind) {
    case 'root':
      return null;
    case 'administrator': {
      const { roles, reach, needed } = rules[need];
      if (!roles.includes(actor.role)) return wrongRole(actor, needed);
      if (actor.teams === null) return null;
      // A request that should name a team and does not is refused.
      if (reach === 'gateway' || (reach === 'team' && teams.length === 0)) return wrongRole(actor, needed);
      const { teams: own } = actor;
      return teams.every((team) => own.includes(team)) ? null : wrongTeam(own);
    }
  }
}

function wrongRole(
  { role, teams }: { role: string; teams: readonly string[] | null },
  needed: string,
): Refusal {
  const yours = teams === null ? role : `${role} of ${listed(teams)}`;
  return new Refusal('role_not_allowed', `This needs ${needed}; yours is ${yours}.`);
}

/** Does not repeat the team of the request, which may be any text. */
function wrongTeam(own: readonly string[]): Refusal {
  return new Refusal('role_not_allowed', `This administrator's token is for ${listed(own)} only.`);
}

function listed(teams: readonly string[]): string {
  if (teams.length === 0) return 'no team';
  const shown = teams.length > 10 ? `${teams.slice(0, 10).join(', ')}, …` : teams.join(', ');
  return teams.length === 1 ? `the team ${shown}` : `the teams ${shown}`;
}
