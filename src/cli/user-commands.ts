import type { Command } from 'commander';
import { adminPath, bodyOf, clearOption, emptyOption, limitOption, type FieldOptions } from './arguments.ts';
import { day, plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { counted, live, remove, withYes, type YesOption } from './removal.ts';
import { example } from './help.ts';
import type { Column } from './table.ts';

const columns: Column[] = [
  { title: 'USER', cell: ({ id }) => plain(id), whole: true },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'EMAIL', cell: ({ email }) => plain(email) },
  { title: 'LIMITS', cell: ({ limits }) => plain(limits) },
  { title: 'SUSPENDED', cell: (user) => day(user['suspended_at']), whole: true },
];

const suspension = {
  suspend: 'refuse all requests of a user from now on',
  resume: 'accept the requests of a suspended user again',
};

/** `tollgate user …` */
export function userCommands(program: Command, cli: Cli): void {
  const user = program
    .command('user')
    .description('Users, the people of a team')
    .addHelpText('after', example('user list acme'));

  withFields(user.command('create'))
    .description('create a user')
    .argument('<team>')
    .argument('<user>', 'the id inside the team: a-z, 0-9 and -')
    .addHelpText('after', example('user create acme bob --email bob@example.com'))
    .action((team: string, id: string, options: FieldOptions) =>
      cli.callAndPrint('POST', adminPath('teams', team, 'users'), { id, ...bodyOf(options) }),
    );

  user
    .command('list')
    .description('list the users of a team')
    .argument('<team>')
    .addHelpText('after', example('user list acme'))
    .action((team: string) => cli.callAndList(adminPath('teams', team, 'users'), columns));

  user
    .command('show')
    .description('show a user')
    .argument('<team>')
    .argument('<user>')
    .addHelpText('after', example('user show acme ana'))
    .action((team: string, id: string) => cli.callAndPrint('GET', adminPath('teams', team, 'users', id)));

  withFields(user.command('set'))
    .description('change a user; a list of limits replaces the old one')
    .argument('<team>')
    .argument('<user>')
    .addOption(clearOption(['name', 'email', 'subject', 'limits']))
    .addHelpText('after', example('user set acme ana --limit requests/day=500'))
    .action((team: string, id: string, options: FieldOptions) =>
      cli.callAndPrint('PATCH', adminPath('teams', team, 'users', id), bodyOf(options)),
    );

  for (const verb of ['suspend', 'resume'] as const) {
    user
      .command(verb)
      .description(suspension[verb])
      .argument('<team>')
      .argument('<user>')
      .addHelpText('after', example(`user ${verb} acme ana`))
      .action((team: string, id: string) =>
        cli.callAndPrint('POST', adminPath('teams', team, 'users', id, verb)),
      );
  }

  withYes(user.command('delete'))
    .description('delete a user and revoke their tokens')
    .argument('<team>')
    .argument('<user>')
    .addHelpText('after', example('user delete acme ana --yes'))
    .action(async (team: string, id: string, { yes }: YesOption) => {
      await remove(cli, {
        path: adminPath('teams', team, 'users', id),
        yes,
        loss: () => lossOf(cli, team, id),
        done: {
          value: { team, user: id, deleted: true },
          words: `Deleted the user ${id} and revoked their tokens.`,
        },
      });
    });
}

function withFields(command: Command): Command {
  return command
    .option('--name <name>', 'a name for people')
    .option('--email <address>')
    .option('--issuer <url>', 'with --subject: the OpenID provider where the user signs in')
    .option('--subject <sub>', 'the id of the user there')
    .addOption(limitOption)
    .addOption(emptyOption(['limits']));
}

async function lossOf(cli: Cli, team: string, user: string): Promise<string> {
  const tokens = live(await cli.rows(adminPath('teams', team, 'tokens'))).filter(
    (token) => token['user'] === user,
  );
  return `This deletes the user ${user} of ${team} and revokes ${counted(tokens.length, 'working token')}.`;
}
