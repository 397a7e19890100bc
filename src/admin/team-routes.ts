import { z } from 'zod';
import { visibleTeams } from '../base/actor.ts';
import { checkQuery } from '../base/query.ts';
import { Refusal } from '../base/refusal.ts';
import { changeFields, resume, suspend } from '../identity/operations/change.ts';
import { createTeam, createUser } from '../identity/operations/create.ts';
import { deleteTeam, deleteUser } from '../identity/operations/end.ts';
import { asShown } from '../identity/operations/limits.ts';
import { memberSource, teamSource } from '../identity/operations/record-source.ts';
import {
  listRecords,
  listTeams,
  readRecord,
  type RecordOf,
  unknownTeam,
} from '../identity/operations/records.ts';
import type { Team, TeamKey, User, UserKey } from '../identity/records/identity.ts';
import { scopedLimits } from '../identity/records/scoped-limits.ts';
import { teamSchemas, userSchemas } from '../identity/schemas/requests.ts';
import { teamResponse, userResponse } from '../identity/schemas/responses.ts';
import { endpointPaths } from '../validation/registry.ts';
import type { AdminDeps } from './deps.ts';
import { limitUses } from './limit-uses.ts';
import { limitWarnings } from './limit-warnings.ts';
import { pageOfRecords } from './list-pages.ts';
import { listing } from './listing.ts';
import { type OneRecord, raiseRoutes } from './raise-routes.ts';
import { readBody } from './read-body.ts';
import { type Presentation, type Resource, resource } from './resource.ts';
import { type AdminContext, type Operation, type Route, teamIn } from './respond.ts';

const fieldsLeftOut = 'Fields left out stay; null clears.';

/** `/admin/teams` and one team below it. */
export function teamRoutes(deps: AdminDeps): Route[] {
  const shown: Presentation<Team> = {
    schema: teamResponse,
    toResponses: async (records) => [...(await asShown(records, deps.storeNowMs))],
    usesOf: (team) => limitUses(deps.counters, team.id, scopedLimits('team', team)),
    warningsOf: ({ limits, end_user_limits: ofEndUsers, models }) => [
      ...limitWarnings(limits, models, deps.models),
      ...limitWarnings(ofEndUsers ?? [], models, deps.models, 'end_user_limits'),
    ],
  };
  const teams = resource(shown);
  const { newTeam, teamChange } = teamSchemas(endpointPaths);
  const needs = 'change-gateway';
  const one: OneRecord<TeamKey> = { path: '/admin/teams/:team', needs, noun: 'team', keyOf: teamKey };
  return [
    {
      path: '/admin/teams',
      methods: {
        GET: listing(
          shown,
          { needs: 'read-lists', summary: 'List teams', details: 'Only those you may see.' },
          {
            query: z.strictObject(pageOfRecords),
            all: (c) => listTeams(deps, visibleTeams(c.get('actor'))),
            paged: (c) => ({ source: teamSource(deps, visibleTeams(c.get('actor'))) }),
          },
        ),
        POST: namingBounds(
          teams.create(
            { needs, summary: 'Create a team', body: newTeam, refusals: ['already_exists'] },
            (_c, asked) => createTeam(deps, asked),
          ),
        ),
      },
    },
    {
      path: '/admin/teams/:team',
      methods: {
        GET: teams.read({ needs: 'read-team', summary: 'Read a team' }, (c) => readRecord(deps, teamKey(c))),
        PATCH: namingBounds(
          teams.change(
            {
              needs,
              summary: 'Change a team',
              details: `${fieldsLeftOut} Its models, endpoints, origins and tools bound those of its tokens, from the next request on.`,
              body: teamChange,
            },
            (c, asked) => changeFields(deps, teamKey(c), asked, c.get('precondition')),
          ),
        ),
        DELETE: teams.end({ needs, summary: 'Delete a team with its users and tokens' }, (c) =>
          deleteTeam(deps, teamKey(c), c.get('precondition')),
        ),
      },
    },
    ...suspensionRoutes(deps, teams, one),
    ...raiseRoutes(deps, teams, one),
  ];
}

/** The users of a team. */
export function userRoutes(deps: AdminDeps): Route[] {
  const shown: Presentation<User> = {
    schema: userResponse,
    toResponses: async (records) => [...(await asShown(records, deps.storeNowMs))],
    usesOf: (user) => limitUses(deps.counters, user.team, scopedLimits('user', user)),
    warningsOf: ({ limits }) => limitWarnings(limits, null, deps.models),
  };
  const users = resource(shown);
  const { newUser, userChange } = userSchemas(endpointPaths);
  const needs = 'change-members';
  const one: OneRecord<UserKey> = {
    path: '/admin/teams/:team/users/:user',
    needs,
    noun: 'user',
    keyOf: userKey,
  };
  return [
    {
      path: '/admin/teams/:team/users',
      methods: {
        GET: listing(
          shown,
          { needs: 'read-team', summary: 'List the users of a team' },
          {
            query: z.strictObject(pageOfRecords),
            all: (c) => listRecords(deps, 'user', teamIn(c)),
            paged: async (c) =>
              (await unknownTeam(deps, teamIn(c))) ?? { source: memberSource(deps, 'user', teamIn(c)) },
          },
        ),
        POST: users.create(
          { needs, summary: 'Create a user', body: newUser, refusals: ['already_exists'] },
          (c, asked) => createUser(deps, teamIn(c), asked),
        ),
      },
    },
    {
      path: '/admin/teams/:team/users/:user',
      methods: {
        GET: users.read({ needs: 'read-team', summary: 'Read a user' }, (c) => readRecord(deps, userKey(c))),
        PATCH: users.change(
          {
            needs,
            summary: 'Change a user',
            details: fieldsLeftOut,
            body: userChange,
            refusals: ['already_exists'],
          },
          (c, asked) => changeFields(deps, userKey(c), asked, c.get('precondition')),
        ),
        DELETE: users.end(
          {
            needs,
            summary: 'Delete a user and revoke the tokens',
            details:
              'With erase=true, what names the user goes from all records as well: figures stay under a pseudonym. It needs Postgres, and an administrator of all teams.',
            query: endParameters,
            refusals: ['role_not_allowed'],
          },
          (c) => endUser(deps, c),
        ),
      },
    },
    ...suspensionRoutes(deps, users, one),
    ...raiseRoutes(deps, users, one),
  ];
}

const endParameters = z.strictObject({
  erase: z.enum(['true', 'false'], 'must be true or false').default('false'),
});

async function endUser(deps: AdminDeps, c: AdminContext): Promise<Refusal | null> {
  const asked = checkQuery(endParameters, c.req.url);
  if (asked instanceof Refusal) return asked;
  if (asked.erase === 'false') return deleteUser(deps, userKey(c), c.get('precondition'));
  if (visibleTeams(c.get('actor')) !== null) {
    const message =
      'Only an administrator of all teams may erase a user. Leave erase out to delete the user.';
    return new Refusal('role_not_allowed', message, { param: 'erase' });
  }
  if (deps.erase === null) {
    const message =
      'Nothing can be erased without records: set DATABASE_URL. Leave erase out to delete the user; entries and the audit trail then keep the name.';
    return new Refusal('invalid_request', message, { param: 'erase' });
  }
  return deps.erase(userKey(c), c.get('precondition'));
}

/** What suspends records of a kind and ends the suspension. */
function suspensionRoutes<K extends TeamKey | UserKey>(
  deps: AdminDeps,
  records: Resource<RecordOf<K>>,
  { path, needs, noun, keyOf }: OneRecord<K>,
): Route[] {
  const suspended = records.act({ needs, summary: `Suspend a ${noun} from the next request on` }, (c) =>
    suspend(deps, keyOf(c), c.get('precondition')),
  );
  const resumed = records.act({ needs, summary: `End the suspension of a ${noun}` }, (c) =>
    resume(deps, keyOf(c), c.get('precondition')),
  );
  return [
    { path: `${path}/suspend`, methods: { POST: { ...suspended, ends: true } } },
    { path: `${path}/resume`, methods: { POST: resumed } },
  ];
}

const bounds = [
  'models',
  'endpoints',
  'origins',
  'tools',
  'limits',
  'end_user_limits',
  'dearer_fallback',
  'tag_keys',
];

/** The operation; who may not do it is told which field of the body would have set a bound of the team. */
function namingBounds(operation: Operation): Operation {
  return {
    ...operation,
    async explain(c, { code, message }) {
      const body = await readBody(c, z.looseObject({}));
      const param = body instanceof Refusal ? undefined : bounds.find((field) => field in body);
      const whole = param === undefined ? message : `${param} bounds what a team may do. ${message}`;
      return new Refusal(code, whole, { param });
    },
  };
}

function teamKey(c: AdminContext): TeamKey {
  return { kind: 'team', team: teamIn(c) };
}

function userKey(c: AdminContext): UserKey {
  return { kind: 'user', team: teamIn(c), id: c.req.param('user') ?? '' };
}
