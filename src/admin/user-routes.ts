import type { Place } from './change-record.ts';
import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, replyWithList, teamIn, type AdminContext, type Route } from './respond.ts';
import { newUser, userChange } from './schemas.ts';
import { shown } from './stored-limits.ts';
import { resumeUser, suspendUser } from './suspension.ts';
import { changeUser, createUser, deleteUser, getUser, listUsers } from './users.ts';

/** The users of a team. */
export function userRoutes(deps: AdminDeps): Route[] {
  return [
    {
      path: '/admin/teams/:team/users',
      methods: {
        GET: needing('read-team', async (c) => replyWithList(await listUsers(deps, teamIn(c)), shown)),
        POST: needing('change-members', async (c) => {
          const body = await readBody(c, newUser);
          if (!body.ok) return body.refusal;
          return replyWith(201, await createUser(deps, teamIn(c), body.value), shown);
        }),
      },
    },
    {
      path: '/admin/teams/:team/users/:user',
      methods: {
        GET: needing('read-team', async (c) => replyWith(200, await getUser(deps, userIn(c)), shown)),
        PATCH: needing('change-members', async (c) => {
          const body = await readBody(c, userChange);
          if (!body.ok) return body.refusal;
          return replyWith(200, await changeUser(deps, userIn(c), body.value, c.get('precondition')), shown);
        }),
        DELETE: needing(
          'change-members',
          async (c) => (await deleteUser(deps, userIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
    {
      path: '/admin/teams/:team/users/:user/suspend',
      methods: {
        POST: needing('change-members', async (c) =>
          replyWith(200, await suspendUser(deps, userIn(c), c.get('precondition')), shown),
        ),
      },
    },
    {
      path: '/admin/teams/:team/users/:user/resume',
      methods: {
        POST: needing('change-members', async (c) =>
          replyWith(200, await resumeUser(deps, userIn(c), c.get('precondition')), shown),
        ),
      },
    },
  ];
}

function userIn(c: AdminContext): Place {
  return { team: teamIn(c), id: c.req.param('user') ?? '' };
}
