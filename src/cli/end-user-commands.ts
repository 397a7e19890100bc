import type { Command } from 'commander';
import { adminPath } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { example } from './help.ts';
import { printWithLimits } from './show-record.ts';
import type { Column } from './table.ts';

const columns: Column[] = [
  { title: 'END USER', cell: ({ end_user: name }) => plain(name), whole: true },
  { title: 'SUSPENDED', cell: (endUser) => shortTime(endUser['suspended_at']), whole: true },
];

/** `tollgate end-user …` */
export function endUserCommands(program: Command, cli: Cli): void {
  const endUsers = program
    .command('end-user')
    .description('End users: the people whom the sessions of a team are made for')
    .addHelpText('after', example('end-user suspend acme visitor-7'));

  endUsers
    .command('list')
    .description('list the suspended end users of a team')
    .argument('<team>')
    .addHelpText('after', example('end-user list acme'))
    .action((team: string) => cli.printRows(adminPath('teams', team, 'end-users'), columns));

  endUsers
    .command('show')
    .description('show what an end user has used of the limits of gateway and team')
    .argument('<team>')
    .argument('<end-user>', 'as sessions name it')
    .addHelpText('after', example('end-user show acme visitor-7'))
    .action((team: string, name: string) =>
      printWithLimits(cli, adminPath('teams', team, 'end-users', name)),
    );

  const acts = [
    ['suspend', 'refuse all requests of an end user from now on, and sessions for them'],
    ['resume', 'accept the requests of a suspended end user again'],
  ] as const;
  for (const [act, description] of acts) {
    endUsers
      .command(act)
      .description(description)
      .argument('<team>')
      .argument('<end-user>', 'as sessions name it')
      .addHelpText('after', example(`end-user ${act} acme visitor-7`))
      .action((team: string, name: string) =>
        cli.callAndPrint('POST', adminPath('teams', team, 'end-users', name, act)),
      );
  }
}
