import { Option } from 'commander';
import type { JsonObject } from '../base/request.ts';
import {
  adminPath,
  byCreation,
  clearOption,
  emptyOption,
  endUserLimitOption,
  limitOption,
  pageOptions,
  repeatable,
} from './arguments.ts';
import { allowed, day, plain } from './cells.ts';
import { limitChangeOptions } from './limit-changes.ts';
import { manyUsers } from './people-files.ts';
import { nameOption, type Resource } from './resource.ts';

const teamLists = ['limits', 'models', 'endpoints', 'origins', 'tools'];
const teamOptions = [
  nameOption,
  limitOption,
  endUserLimitOption,
  repeatable('--model <id>', 'a model the team may use'),
  repeatable('--endpoint <path>', 'a path it may use'),
  repeatable('--origin <origin>', 'a browser origin it may be used from, or none'),
  repeatable('--tool <name>', 'a heroku_tool or mcp tool it may run'),
  new Option('--dearer-fallback', 'let a fallback model cost more than the model asked for'),
  repeatable('--tag-key <key>', 'a tag that its requests may have, such as project'),
  emptyOption(teamLists),
];

export const teams: Resource = {
  name: 'team',
  description: 'Teams: their users share limits',
  collection: 'teams',
  isOfTeam: false,
  id: { argument: '<team>', example: 'acme' },
  columns: [
    { title: 'TEAM', cell: ({ id }) => plain(id), whole: true },
    { title: 'NAME', cell: ({ name }) => plain(name), optional: true },
    { title: 'LIMITS', cell: ({ limits }) => plain(limits), optional: true },
    { title: 'MODELS', cell: ({ models }) => allowed('models', models) },
    { title: 'SUSPENDED', cell: (team) => day(team['suspended_at']), whole: true, optional: true },
  ],
  create: {
    summary: 'create a team',
    argument: { name: '<team>', description: 'its id: a-z, 0-9 and -', field: 'id' },
    options: teamOptions,
    examples: ['beta --limit tokens/day=100000'],
  },
  list: 'list all teams',
  listOptions: pageOptions(byCreation),
  show: 'show a team',
  set: {
    summary: 'change a team; a list replaces the list it had',
    options: [
      ...teamOptions,
      ...limitChangeOptions,
      clearOption(['name', 'dearer_fallback', 'end_user_limits', 'tag_keys', ...teamLists]),
    ],
    examples: [
      'acme --name Acme --clear models',
      'acme --tool dyno_run_command@my-app',
      'acme --add-limit tokens/day=200000',
      'acme --end-user-limit requests/day=50',
    ],
  },
  suspend: 'refuse all requests of a team from now on',
  resume: 'accept the requests of a suspended team again',
  end: {
    verb: 'delete',
    summary: 'delete a team with its users and tokens',
    examples: ['acme --yes'],
    loss: async ({ cli, id }) => {
      const users = await cli.rows(adminPath('teams', id, 'users'));
      const tokens = working(await cli.rows(adminPath('teams', id, 'tokens')));
      return `This deletes the team ${id}, ${counted(users.length, 'user')} and ${counted(tokens.length, 'working token')}.`;
    },
    done: (id) => `Deleted the team ${id}.`,
  },
};

const userOptions = [
  nameOption,
  new Option('--email <address>'),
  new Option('--issuer <url>', 'with --subject: the OpenID provider where the user signs in'),
  new Option('--subject <sub>', 'the id of the user there'),
  limitOption,
  emptyOption(['limits']),
];

export const users: Resource = {
  name: 'user',
  description: 'Users, the people of a team',
  collection: 'users',
  isOfTeam: true,
  id: { argument: '<user>', example: 'ana' },
  columns: [
    { title: 'USER', cell: ({ id }) => plain(id), whole: true },
    { title: 'NAME', cell: ({ name }) => plain(name), optional: true },
    { title: 'EMAIL', cell: ({ email }) => plain(email), optional: true },
    { title: 'LIMITS', cell: ({ limits }) => plain(limits), optional: true },
    { title: 'SUSPENDED', cell: (user) => day(user['suspended_at']), whole: true, optional: true },
  ],
  create: {
    summary: 'create a user',
    argument: { name: '<user>', description: 'the id inside the team: a-z, 0-9 and -', field: 'id' },
    options: userOptions,
    examples: ['acme bob --email bob@example.com', 'acme --file users.csv'],
    many: manyUsers,
  },
  list: 'list the users of a team',
  listOptions: pageOptions(byCreation),
  show: 'show a user',
  set: {
    summary: 'change a user; a list of limits replaces the old one',
    options: [...userOptions, ...limitChangeOptions, clearOption(['name', 'email', 'subject', 'limits'])],
    examples: ['acme ana --limit requests/day=500'],
  },
  suspend: 'refuse all requests of a user from now on',
  resume: 'accept the requests of a suspended user again',
  end: {
    verb: 'delete',
    summary: 'delete a user and revoke their tokens',
    options: [new Option('--erase', 'take from all records what names the user; figures stay')],
    examples: ['acme ana --yes', 'acme ana --erase --yes'],
    loss: async ({ cli, team, id, options }) => {
      const tokens = working(await cli.rows(adminPath('teams', team, 'tokens')));
      const count = tokens.filter(({ user }) => user === id).length;
      const deleted = `This deletes the user ${id} of ${team} and revokes ${counted(count, 'working token')}.`;
      if (options['erase'] !== true) return deleted;
      return `${deleted} It takes from all records what names the user, for good.`;
    },
    done: (id, options) =>
      options['erase'] === true
        ? `Erased the user: their figures stay under a pseudonym.`
        : `Deleted the user ${id} and revoked their tokens.`,
  },
};

/** `1 user`, `2 users` */
function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function working(tokens: readonly JsonObject[]): JsonObject[] {
  return tokens.filter((token) => token['revoked_at'] === null);
}
