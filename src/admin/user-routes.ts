import {
  type OperationDocs,
  jsonBody,
  createdJson,
  noContent,
  okJson,
  okList,
} from '../base/operation-docs.ts';
import { userResponse } from '../identity/records/responses.ts';
import type { Place } from '../identity/operations/change-record.ts';
import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, replyWithList, teamIn, type AdminContext, type Route } from './respond.ts';
import { newUser, userChange } from '../identity/schemas/schemas.ts';
import { shown } from '../identity/operations/stored-limits.ts';
import { resumeUser, suspendUser } from '../identity/operations/suspension.ts';
import { changeUser, createUser, deleteUser, getUser, listUsers } from '../identity/operations/users.ts';

const answer = okJson(userResponse);
const userDocs = {
  list: { summary: 'List the users of a team', answer: okList(userResponse) },
  create: {
    summary: 'Make a user',
    body: jsonBody(newUser),
    answer: createdJson(userResponse),
    etag: 'told',
    refusals: ['already_exists'],
  },
  read: { summary: 'Read a user', answer, etag: 'told' },
  change: {
    summary: 'Change a user',
    details: 'Fields left out stay; null clears.',
    body: jsonBody(userChange),
    answer,
    etag: 'asked',
  },
  delete: {
    summary: 'Delete a user and revoke the tokens',
    answer: noContent,
    etag: 'asked',
  },
  suspend: {
    summary: 'Let nothing of a user in, from the next request on',
    answer,
    etag: 'asked',
  },
  resume: { summary: 'Let a user in again', answer, etag: 'asked' },
} satisfies Record<string, OperationDocs>;

/** The users of a team. */
export function userRoutes(deps: AdminDeps): Route[] {
  return [
    {
      path: '/admin/teams/:team/users',
      methods: {
        GET: needing('read-team', userDocs.list, async (c) =>
          replyWithList(await listUsers(deps, teamIn(c)), shown),
        ),
        POST: needing('change-members', userDocs.create, async (c) => {
          const asked = await readBody(c, newUser);
          if (!asked.ok) return asked.refusal;
          return replyWith(201, await createUser(deps, teamIn(c), asked.value), shown);
        }),
      },
    },
    {
      path: '/admin/teams/:team/users/:user',
      methods: {
        GET: needing('read-team', userDocs.read, async (c) =>
          replyWith(200, await getUser(deps, userIn(c)), shown),
        ),
        PATCH: needing('change-members', userDocs.change, async (c) => {
          const asked = await readBody(c, userChange);
          if (!asked.ok) return asked.refusal;
          return replyWith(200, await changeUser(deps, userIn(c), asked.value, c.get('precondition')), shown);
        }),
        DELETE: needing(
          'change-members',
          userDocs.delete,
          async (c) => (await deleteUser(deps, userIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
    {
      path: '/admin/teams/:team/users/:user/suspend',
      methods: {
        POST: needing('change-members', userDocs.suspend, async (c) =>
          replyWith(200, await suspendUser(deps, userIn(c), c.get('precondition')), shown),
        ),
      },
    },
    {
      path: '/admin/teams/:team/users/:user/resume',
      methods: {
        POST: needing('change-members', userDocs.resume, async (c) =>
          replyWith(200, await resumeUser(deps, userIn(c), c.get('precondition')), shown),
        ),
      },
    },
  ];
}

function userIn(c: AdminContext): Place {
  return { team: teamIn(c), id: c.req.param('user') ?? '' };
}
