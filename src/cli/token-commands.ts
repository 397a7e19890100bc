import type { Command } from 'commander';
import {
  adminPath,
  bodyOf,
  clearOption,
  limitOption,
  parseExpiry,
  repeatable,
  type FieldOptions,
} from './arguments.ts';
import { allowed, plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { claimOption, handOver, type HandOverOptions, keepSafe, rotateCommand } from './rotate-command.ts';
import type { Column } from './table.ts';

const columns: Column[] = [
  { title: 'TOKEN', cell: ({ id }) => plain(id) },
  { title: 'USER', cell: ({ user }) => plain(user) },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'BEGINS', cell: ({ prefix }) => plain(prefix) },
  { title: 'LIMITS', cell: ({ limits }) => plain(limits) },
  { title: 'MODELS', cell: ({ models }) => allowed('models', models) },
  { title: 'EXPIRES', cell: (token) => shortTime(token['expires_at']) },
  { title: 'REVOKED', cell: (token) => shortTime(token['revoked_at']) },
];
const clearable = ['name', 'expires_at', 'models', 'endpoints', 'origins', 'tools', 'limits'];

/** `tollgate token …` */
export function tokenCommands(program: Command, cli: Cli): void {
  const token = program.command('token').description('Tokens, what users call the gateway with');

  withPolicy(token.command('issue').alias('create'))
    .description('make a token for a user; its text is shown this once')
    .argument('<team>')
    .argument('<user>')
    .addOption(claimOption())
    .action(async (team: string, user: string, options: FieldOptions & HandOverOptions) => {
      const body = { user, ...bodyOf(options), ...handOver(options) };
      const issued = await cli.call('POST', adminPath('teams', team, 'tokens'), body);
      cli.printRecord(issued);
      cli.note(keepSafe(issued));
    });

  rotateCommand(token, cli);

  token
    .command('list')
    .description('list the tokens of a team, revoked ones too')
    .argument('<team>')
    .action(async (team: string) => {
      cli.printList(await cli.call('GET', adminPath('teams', team, 'tokens')), columns);
    });

  token
    .command('show')
    .description('show a token, without its text')
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .action(async (team: string, id: string) => {
      cli.printRecord(await cli.call('GET', adminPath('teams', team, 'tokens', id)));
    });

  withPolicy(token.command('set'))
    .description('change a token; lists given replace the lists it has')
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .addOption(clearOption(clearable))
    .action(async (team: string, id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('PATCH', adminPath('teams', team, 'tokens', id), bodyOf(options)));
    });

  token
    .command('revoke')
    .alias('delete')
    .description('refuse a token everywhere from its next request on')
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .action(async (team: string, id: string) => {
      const answer = await cli.call('DELETE', adminPath('teams', team, 'tokens', id));
      cli.printRecord(answer, `Revoked the token ${id}.`);
    });
}

function withPolicy(command: Command): Command {
  return command
    .option('--name <name>', 'what it is for')
    .option('--expires <when>', '90d, 12h, 2027-01-31 or an RFC 3339 time', parseExpiry)
    .addOption(limitOption)
    .addOption(repeatable('--model <id>', 'a model it may use'))
    .addOption(repeatable('--endpoint <path>', 'a path it may use'))
    .addOption(repeatable('--origin <origin>', 'a browser origin it may be used from, or none'))
    .addOption(repeatable('--tool <name>', 'a heroku_tool or mcp tool it may run'));
}
