import type { Command } from 'commander';
import { adminPath, bodyOf, clearOption, limitOption, type FieldOptions } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import type { Column } from './table.ts';

const columns: Column[] = [
  { title: 'USER', cell: ({ id }) => plain(id) },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'EMAIL', cell: ({ email }) => plain(email) },
  { title: 'LIMITS', cell: ({ limits }) => plain(limits) },
  { title: 'CREATED', cell: (user) => shortTime(user['created_at']) },
];

/** `tollgate user …` */
export function userCommands(program: Command, cli: Cli): void {
  const user = program.command('user').description('Users, the people of a team');

  user
    .command('create')
    .description('make a user')
    .argument('<team>')
    .argument('<user>', 'the id inside the team: a-z, 0-9 and -')
    .option('--name <name>', 'a name for people')
    .option('--email <address>')
    .addOption(limitOption)
    .action(async (team: string, id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('POST', adminPath('teams', team, 'users'), { id, ...bodyOf(options) }));
    });

  user
    .command('list')
    .description('list the users of a team')
    .argument('<team>')
    .action(async (team: string) => {
      cli.printList(await cli.call('GET', adminPath('teams', team, 'users')), columns);
    });

  user
    .command('show')
    .description('show a user')
    .argument('<team>')
    .argument('<user>')
    .action(async (team: string, id: string) => {
      cli.printRecord(await cli.call('GET', adminPath('teams', team, 'users', id)));
    });

  user
    .command('set')
    .description('change a user; limits given replace the limits there are')
    .argument('<team>')
    .argument('<user>')
    .option('--name <name>', 'a name for people')
    .option('--email <address>')
    .addOption(limitOption)
    .addOption(clearOption(['name', 'email', 'limits']))
    .action(async (team: string, id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('PATCH', adminPath('teams', team, 'users', id), bodyOf(options)));
    });

  user
    .command('delete')
    .description('remove a user and revoke the tokens')
    .argument('<team>')
    .argument('<user>')
    .action(async (team: string, id: string) => {
      const answer = await cli.call('DELETE', adminPath('teams', team, 'users', id));
      cli.printRecord(answer, `Deleted the user ${id} and revoked the tokens.`);
    });
}
