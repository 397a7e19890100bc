import type { Command } from 'commander';
import {
  adminPath,
  bodyOf,
  clearOption,
  emptyOption,
  limitOption,
  repeatable,
  type FieldOptions,
} from './arguments.ts';
import { allowed, day, plain } from './cells.ts';
import type { Cli } from './cli.ts';
import type { Column } from './column.ts';
import { example } from './example.ts';
import { counted, live, remove, withYes, type YesOption } from './removal.ts';

const columns: Column[] = [
  { title: 'TEAM', cell: ({ id }) => plain(id), whole: true },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'LIMITS', cell: ({ limits }) => plain(limits) },
  { title: 'MODELS', cell: ({ models }) => allowed('models', models) },
  { title: 'SUSPENDED', cell: (team) => day(team['suspended_at']), whole: true },
];
const modelOption = repeatable('--model <id>', 'a model the team may use');

/** `tollgate team …` */
export function teamCommands(program: Command, cli: Cli): void {
  const team = program
    .command('team')
    .description('Teams, whose users share limits')
    .addHelpText('after', example('team list'));

  team
    .command('create')
    .description('make a team')
    .argument('<team>', 'its id: a-z, 0-9 and -')
    .option('--name <name>', 'a name for people')
    .addOption(limitOption)
    .addOption(modelOption)
    .addOption(emptyOption(['limits', 'models']))
    .addHelpText('after', example('team create beta --limit tokens/day=100000'))
    .action(async (id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('POST', adminPath('teams'), { id, ...bodyOf(options) }));
    });

  team
    .command('list')
    .description('list all teams')
    .addHelpText('after', example('team list'))
    .action(async () => cli.printList(await cli.call('GET', adminPath('teams')), columns));

  team
    .command('show')
    .description('show a team')
    .argument('<team>')
    .addHelpText('after', example('team show acme'))
    .action(async (id: string) => cli.printRecord(await cli.call('GET', adminPath('teams', id))));

  team
    .command('set')
    .description('change a team; lists given replace the lists it has')
    .argument('<team>')
    .option('--name <name>', 'a name for people')
    .addOption(limitOption)
    .addOption(modelOption)
    .addOption(clearOption(['name', 'limits', 'models']))
    .addOption(emptyOption(['limits', 'models']))
    .addHelpText('after', example('team set acme --name Acme --clear models'))
    .action(async (id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('PATCH', adminPath('teams', id), bodyOf(options)));
    });

  withYes(team.command('delete'))
    .description('remove a team with its users and tokens')
    .argument('<team>')
    .addHelpText('after', example('team delete acme --yes'))
    .action(async (id: string, { yes }: YesOption) => {
      await remove(cli, {
        path: adminPath('teams', id),
        yes,
        loss: () => lossOf(cli, id),
        done: { value: { team: id, deleted: true }, words: `Deleted the team ${id}.` },
      });
    });
}

async function lossOf(cli: Cli, team: string): Promise<string> {
  const users = await cli.rows(adminPath('teams', team, 'users'));
  const tokens = live(await cli.rows(adminPath('teams', team, 'tokens')));
  return `The team ${team} goes with ${counted(users.length, 'user')} and ${counted(tokens.length, 'working token')}.`;
}
