import {
  type OperationDocs,
  jsonBody,
  createdJson,
  noContent,
  okJson,
  okList,
} from '../base/operation-docs.ts';
import { teamResponse } from '../identity/records/responses.ts';
import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, replyWithList, teamIn, type Route } from './respond.ts';
import { newTeam, teamChange } from '../identity/schemas/schemas.ts';
import { shown } from '../identity/operations/stored-limits.ts';
import { resumeTeam, suspendTeam } from '../identity/operations/suspension.ts';
import { changeTeam, createTeam, deleteTeam, getTeam, listTeams } from '../identity/operations/teams.ts';

const answer = okJson(teamResponse);
const teamDocs = {
  list: { summary: 'List teams', details: 'Those you may see.', answer: okList(teamResponse) },
  create: {
    summary: 'Make a team',
    body: jsonBody(newTeam),
    answer: createdJson(teamResponse),
    etag: 'told',
    refusals: ['already_exists'],
  },
  read: { summary: 'Read a team', answer, etag: 'told' },
  change: {
    summary: 'Change a team',
    details: 'Fields left out stay; null clears.',
    body: jsonBody(teamChange),
    answer,
    etag: 'asked',
  },
  delete: { summary: 'Delete a team with its users and tokens', answer: noContent, etag: 'asked' },
  suspend: {
    summary: 'Let nothing of a team in, from the next request on',
    answer,
    etag: 'asked',
  },
  resume: { summary: 'Let a team in again', answer, etag: 'asked' },
} satisfies Record<string, OperationDocs>;

/** `/admin/teams` and what is under it by one team. */
export function teamRoutes(deps: AdminDeps): Route[] {
  return [
    {
      path: '/admin/teams',
      methods: {
        GET: needing('read-lists', teamDocs.list, async (c) =>
          replyWithList(await listTeams(deps, c.get('actor')), shown),
        ),
        POST: needing('change-gateway', teamDocs.create, async (c) => {
          const asked = await readBody(c, newTeam);
          return asked.ok ? replyWith(201, await createTeam(deps, asked.value), shown) : asked.refusal;
        }),
      },
    },
    {
      path: '/admin/teams/:team',
      methods: {
        GET: needing('read-team', teamDocs.read, async (c) =>
          replyWith(200, await getTeam(deps, teamIn(c)), shown),
        ),
        PATCH: needing('change-gateway', teamDocs.change, async (c) => {
          const asked = await readBody(c, teamChange);
          if (!asked.ok) return asked.refusal;
          return replyWith(200, await changeTeam(deps, teamIn(c), asked.value, c.get('precondition')), shown);
        }),
        DELETE: needing(
          'change-gateway',
          teamDocs.delete,
          async (c) => (await deleteTeam(deps, teamIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
    {
      path: '/admin/teams/:team/suspend',
      methods: {
        POST: needing('change-gateway', teamDocs.suspend, async (c) =>
          replyWith(200, await suspendTeam(deps, teamIn(c), c.get('precondition')), shown),
        ),
      },
    },
    {
      path: '/admin/teams/:team/resume',
      methods: {
        POST: needing('change-gateway', teamDocs.resume, async (c) =>
          replyWith(200, await resumeTeam(deps, teamIn(c), c.get('precondition')), shown),
        ),
      },
    },
  ];
}
