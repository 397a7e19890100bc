import type { Command } from 'commander';
import { adminPath, bodyOf, clearOption, emptyOption, limitOption, type FieldOptions } from './arguments.ts';
import { day, plain } from './cells.ts';
import type { Cli } from './cli.ts';
import type { Column } from './column.ts';
import { example } from './example.ts';
import { counted, live, remove, withYes, type YesOption } from './removal.ts';

const columns: Column[] = [
  { title: 'USER', cell: ({ id }) => plain(id), whole: true },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'EMAIL', cell: ({ email }) => plain(email) },
  { title: 'LIMITS', cell: ({ limits }) => plain(limits) },
  { title: 'SUSPENDED', cell: (user) => day(user['suspended_at']), whole: true },
];

/** `tollgate user …` */
export function userCommands(program: Command, cli: Cli): void {
  const user = program
    .command('user')
    .description('Users, the people of a team')
    .addHelpText('after', example('user list acme'));

  withFields(user.command('create'))
    .description('make a user')
    .argument('<team>')
    .argument('<user>', 'the id inside the team: a-z, 0-9 and -')
    .addHelpText('after', example('user create acme bob --email bob@example.com'))
    .action(async (team: string, id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('POST', adminPath('teams', team, 'users'), { id, ...bodyOf(options) }));
    });

  user
    .command('list')
    .description('list the users of a team')
    .argument('<team>')
    .addHelpText('after', example('user list acme'))
    .action(async (team: string) => {
      cli.printList(await cli.call('GET', adminPath('teams', team, 'users')), columns);
    });

  user
    .command('show')
    .description('show a user')
    .argument('<team>')
    .argument('<user>')
    .addHelpText('after', example('user show acme ana'))
    .action(async (team: string, id: string) => {
      cli.printRecord(await cli.call('GET', adminPath('teams', team, 'users', id)));
    });

  withFields(user.command('set'))
    .description('change a user; limits given replace the limits there are')
    .argument('<team>')
    .argument('<user>')
    .addOption(clearOption(['name', 'email', 'subject', 'limits']))
    .addHelpText('after', example('user set acme ana --limit requests/day=500'))
    .action(async (team: string, id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('PATCH', adminPath('teams', team, 'users', id), bodyOf(options)));
    });

  withYes(user.command('delete'))
    .description('remove a user and revoke the tokens')
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
          words: `Deleted the user ${id} and revoked the tokens.`,
        },
      });
    });
}

function withFields(command: Command): Command {
  return command
    .option('--name <name>', 'a name for people')
    .option('--email <address>')
    .option('--issuer <url>', 'with --subject: the OpenID provider where the user signs in')
    .option('--subject <sub>', 'who the user is there')
    .addOption(limitOption)
    .addOption(emptyOption(['limits']));
}

async function lossOf(cli: Cli, team: string, user: string): Promise<string> {
  const tokens = live(await cli.rows(adminPath('teams', team, 'tokens'))).filter(
    (token) => token['user'] === user,
  );
  return `The user ${user} of ${team} goes, and ${counted(tokens.length, 'working token')} with it.`;
}
