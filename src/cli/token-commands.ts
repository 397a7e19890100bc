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
import { remove, withYes, type YesOption } from './removal.ts';
import { example } from './help.ts';
import type { Column } from './table.ts';

/** Whose tokens they are; `show` has what each may do. */
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
    .description('Tokens: users call the gateway with them')
    .addHelpText('after', example('token list acme'));

  withPolicy(token.command('issue').alias('create'))
    .description('create a token for a user and show its text, once')
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
    .description('list the tokens of a team, including revoked ones')
    .argument('<team>')
    .addHelpText('after', example('token list acme'))
    .action((team: string) => cli.callAndList(adminPath('teams', team, 'tokens'), columns));

  token
    .command('show')
    .description('show a token, without its text')
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .addHelpText('after', example('token show acme tok_4fJ2mQ9sXbVe'))
    .action((team: string, id: string) => cli.callAndPrint('GET', adminPath('teams', team, 'tokens', id)));

  withPolicy(token.command('set'))
    .description('change a token; a list replaces the list it had')
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .addOption(clearOption(clearable))
    .addHelpText('after', example('token set acme tok_4fJ2mQ9sXbVe --clear limits'))
    .action((team: string, id: string, options: FieldOptions) =>
      cli.callAndPrint('PATCH', adminPath('teams', team, 'tokens', id), bodyOf(options)),
    );

  withYes(token.command('revoke').alias('delete'))
    .description('revoke a token: it is refused from its next request on; asks only at a terminal')
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
    .option('--name <name>', 'what the token is for')
    .option('--expires <when>', '90d, 12h, 2027-01-31 or an RFC 3339 time', parseExpiry)
    .addOption(limitOption)
    .addOption(repeatable('--model <id>', 'a model it may use'))
    .addOption(repeatable('--endpoint <path>', 'a path it may use'))
    .addOption(repeatable('--origin <origin>', 'a browser origin it may be used from, or none'))
    .addOption(repeatable('--tool <name>', 'a heroku_tool or mcp tool it may run'))
    .option('--max-session-body <bytes>', 'the largest body its sessions may send', parseCount)
    .addOption(emptyOption(lists));
}
