import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, replyWithList, teamIn, type Route } from './respond.ts';
import { newTeam, teamChange } from './schemas.ts';
import { shown } from './stored-limits.ts';
import { resumeTeam, suspendTeam } from './suspension.ts';
import { changeTeam, createTeam, deleteTeam, getTeam, listTeams } from './teams.ts';

/** `/admin/teams` and what is under it by one team. */
export function teamRoutes(deps: AdminDeps): Route[] {
  return [
    {
      path: '/admin/teams',
      methods: {
        GET: needing('read-lists', async (c) => replyWithList(await listTeams(deps, c.get('actor')), shown)),
        POST: needing('change-gateway', async (c) => {
          const body = await readBody(c, newTeam);
          return body.ok ? replyWith(201, await createTeam(deps, body.value), shown) : body.refusal;
        }),
      },
    },
    {
      path: '/admin/teams/:team',
      methods: {
        GET: needing('read-team', async (c) => replyWith(200, await getTeam(deps, teamIn(c)), shown)),
        PATCH: needing('change-gateway', async (c) => {
          const body = await readBody(c, teamChange);
          if (!body.ok) return body.refusal;
          return replyWith(200, await changeTeam(deps, teamIn(c), body.value, c.get('precondition')), shown);
        }),
        DELETE: needing(
          'change-gateway',
          async (c) => (await deleteTeam(deps, teamIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
    {
      path: '/admin/teams/:team/suspend',
      methods: {
        POST: needing('change-gateway', async (c) =>
          replyWith(200, await suspendTeam(deps, teamIn(c), c.get('precondition')), shown),
        ),
      },
    },
    {
      path: '/admin/teams/:team/resume',
      methods: {
        POST: needing('change-gateway', async (c) =>
          replyWith(200, await resumeTeam(deps, teamIn(c), c.get('precondition')), shown),
        ),
      },
    },
  ];
}
