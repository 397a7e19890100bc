import type { Command } from 'commander';
import {
  adminPath,
  bodyOf,
  clearOption,
  emptyOption,
  limitOption,
  parseCount,
  parseExpiry,
  repeatable,
  type FieldOptions,
} from './arguments.ts';
import { day, plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { claimOption, handOver, type HandOverOptions, keepSafe, rotateCommand } from './rotate-command.ts';
import type { Column } from './column.ts';
import { example } from './example.ts';
import { remove, withYes, type YesOption } from './removal.ts';

/** Who has which; what each may do is in `show`. */
const columns: Column[] = [
  { title: 'TOKEN', cell: ({ id }) => plain(id), whole: true },
  { title: 'USER', cell: ({ user }) => plain(user) },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'BEGINS', cell: ({ prefix }) => plain(prefix), whole: true },
  { title: 'EXPIRES', cell: (token) => day(token['expires_at']), whole: true },
  { title: 'REVOKED', cell: (token) => day(token['revoked_at']), whole: true },
];
const lists = ['models', 'endpoints', 'origins', 'tools', 'limits'];
const clearable = ['name', 'expires_at', 'max_session_body_bytes', ...lists];

/** `tollgate token …` */
export function tokenCommands(program: Command, cli: Cli): void {
  const token = program
    .command('token')
    .description('Tokens, what users call the gateway with')
    .addHelpText('after', example('token list acme'));

  withPolicy(token.command('issue').alias('create'))
    .description('make a token for a user; its text is shown this once')
    .argument('<team>')
    .argument('<user>')
    .addOption(claimOption())
    .addHelpText(
      'after',
      example('token issue acme ana --expires 90d', 'token issue acme ana --claim --model m-1'),
    )
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
    .addHelpText('after', example('token list acme'))
    .action(async (team: string) => {
      cli.printList(await cli.call('GET', adminPath('teams', team, 'tokens')), columns);
    });

  token
    .command('show')
    .description('show a token, without its text')
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .addHelpText('after', example('token show acme tok_4fJ2mQ9sXbVe'))
    .action(async (team: string, id: string) => {
      cli.printRecord(await cli.call('GET', adminPath('teams', team, 'tokens', id)));
    });

  withPolicy(token.command('set'))
    .description('change a token; lists given replace the lists it has')
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .addOption(clearOption(clearable))
    .addHelpText('after', example('token set acme tok_4fJ2mQ9sXbVe --clear limits'))
    .action(async (team: string, id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('PATCH', adminPath('teams', team, 'tokens', id), bodyOf(options)));
    });

  withYes(token.command('revoke').alias('delete'))
    .description('refuse a token everywhere from its next request on; asks only a person at a terminal')
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .addHelpText('after', example('token revoke acme tok_4fJ2mQ9sXbVe'))
    .action(async (team: string, id: string, { yes }: YesOption) => {
      await remove(cli, {
        path: adminPath('teams', team, 'tokens', id),
        yes,
        unasked: 'done',
        loss: ({ user, name }) => `The token ${id} of ${plain(user)} (${plain(name)}) stops working.`,
        done: { value: { team, token: id, revoked: true }, words: `Revoked the token ${id}.` },
      });
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
    .addOption(repeatable('--tool <name>', 'a heroku_tool or mcp tool it may run'))
    .option('--max-session-body <bytes>', 'the largest body its sessions may send', parseCount)
    .addOption(emptyOption(lists));
}
