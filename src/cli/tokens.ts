import { Option } from 'commander';
import { allFrames, type JsonObject } from '../base/request.ts';
import { sessionProofs } from '../base/session-proof.ts';
import {
  byCreation,
  clearOption,
  emptyOption,
  endUserLimitOption,
  expiresOption,
  limitOption,
  pageOptions,
  parseCount,
  parseDuration,
  repeatable,
  tagOption,
  yesOption,
} from './arguments.ts';
import { day, plain } from './cells.ts';
import { limitChangeOptions } from './limit-changes.ts';
import { manyTokens } from './people-files.ts';
import type { Resource } from './resource.ts';
import type { Column } from './table.ts';

const lists = ['models', 'endpoints', 'origins', 'tools', 'limits'];
const tokenOptions = [
  new Option('--name <name>', 'what the token is for'),
  expiresOption,
  limitOption,
  endUserLimitOption,
  repeatable('--model <id>', 'a model it may use'),
  repeatable('--endpoint <path>', 'a path it may use'),
  repeatable('--origin <origin>', 'a browser origin it may be used from, or none'),
  repeatable('--tool <name>', 'a heroku_tool or mcp tool it may run'),
  new Option('--max-session-body <bytes>', 'the largest body its sessions may send').argParser(parseCount),
  new Option('--frames <shape>', "openai: rewrite streams of chat to OpenAI's exact frames").choices(
    allFrames,
  ),
  new Option(
    '--session-proof <what>',
    'its sessions are bound to a key of their page: required; nonce; once (each proof works once)',
  ).choices(sessionProofs),
  tagOption,
  repeatable('--request-tag <key>', 'a tag that each request may set by x-tollgate-tags'),
  emptyOption(lists),
];
const claimOption = new Option(
  '--claim',
  'print a link that shows the token once, within an hour, instead of the token itself',
);

/** Whose tokens they are; `show` has what each may do. */
const columns: Column[] = [
  { title: 'TOKEN', cell: ({ id }) => plain(id), whole: true },
  { title: 'USER', cell: ({ user }) => plain(user) },
  { title: 'NAME', cell: ({ name }) => plain(name), optional: true },
  { title: 'BEGINS', cell: ({ prefix }) => plain(prefix), whole: true },
  { title: 'EXPIRES', cell: (token) => day(token['expires_at']), whole: true, optional: true },
  { title: 'REVOKED', cell: (token) => day(token['revoked_at']), whole: true, optional: true },
];

export const tokens: Resource = {
  name: 'token',
  description: 'Tokens: users call the gateway with them',
  collection: 'tokens',
  isOfTeam: true,
  id: { argument: '<id>', description: 'tok_…', example: 'tok_4fJ2mQ9sXbVe' },
  columns,
  create: {
    verb: 'issue',
    summary: 'create a token for a user and show its text, once',
    argument: { name: '<user>', field: 'user' },
    options: [...tokenOptions, claimOption],
    examples: ['acme ana --expires 90d', 'acme ana --claim --model m-1', 'acme --file users.csv'],
    many: manyTokens,
    note: keepSafe,
  },
  list: 'list the tokens of a team, including revoked ones',
  listOptions: [
    new Option('--user <user>', 'only the tokens of this user'),
    ...pageOptions([...byCreation, 'last_used', '-last_used']),
  ],
  show: 'show a token, without its text',
  set: {
    summary: 'change a token; a list replaces the list it had',
    options: [
      ...tokenOptions,
      ...limitChangeOptions,
      clearOption([
        'name',
        'expires_at',
        'max_session_body_bytes',
        'frames',
        'end_user_limits',
        'session_proof',
        'tags',
        'request_tags',
        ...lists,
      ]),
    ],
    examples: ['acme tok_4fJ2mQ9sXbVe --clear limits'],
  },
  rotate: {
    summary:
      'give a token a new secret; the old one keeps working for a while (with --overlap 0 it asks first)',
    options: [
      yesOption,
      new Option(
        '--overlap <time>',
        'how long the old secret keeps working: 7d, 12h, 30m, 0; default: a day',
      ).argParser(parseDuration),
      claimOption,
    ],
    examples: ['acme tok_4fJ2mQ9sXbVe --overlap 7d', 'acme tok_4fJ2mQ9sXbVe --claim'],
    loss: (id, { overlap }) =>
      overlap === 0 ? `Every current secret of ${id} stops working at once.` : null,
    note: keepSafe,
  },
  end: {
    verb: 'revoke',
    summary: 'revoke a token: it is refused from its next request on; asks only at a terminal',
    examples: ['acme tok_4fJ2mQ9sXbVe'],
    unasked: 'done',
    loss: ({ id, record: { user, name } }) =>
      `The token ${id} of ${plain(user)} (${plain(name)}) stops working.`,
    done: (id) => `Revoked the token ${id}.`,
  },
};

/** The note for the person who made the token, about its text or link. */
function keepSafe(made: JsonObject | null): string {
  const url = made?.['claim_url'];
  if (url === undefined) return 'The token is shown only once. Keep it safe: it cannot be shown again.';
  const whole = plain(url).startsWith('/') ? "Put your gateway's address before the link. " : '';
  return `${whole}It shows the token once, within an hour, to whoever opens it first: send it only to the token's holder.`;
}
