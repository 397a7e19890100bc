import type { Command } from 'commander';
import { adminPath, bodyOf, clearOption, limitOption, repeatable, type FieldOptions } from './arguments.ts';
import { allowed, plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import type { Column } from './table.ts';

const columns: Column[] = [
  { title: 'TEAM', cell: ({ id }) => plain(id) },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'LIMITS', cell: ({ limits }) => plain(limits) },
  { title: 'MODELS', cell: ({ models }) => allowed('models', models) },
  { title: 'CREATED', cell: (team) => shortTime(team['created_at']) },
];
const modelOption = repeatable('--model <id>', 'a model the team may use');

/** `tollgate team …` */
export function teamCommands(program: Command, cli: Cli): void {
  const team = program.command('team').description('Teams, whose users share limits');

  team
    .command('create')
    .description('make a team')
    .argument('<team>', 'its id: a-z, 0-9 and -')
    .option('--name <name>', 'a name for people')
    .addOption(limitOption)
    .addOption(modelOption)
    .action(async (id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('POST', adminPath('teams'), { id, ...bodyOf(options) }));
    });

  team
    .command('list')
    .description('list all teams')
    .action(async () => cli.printList(await cli.call('GET', adminPath('teams')), columns));

  team
    .command('show')
    .description('show a team')
    .argument('<team>')
    .action(async (id: string) => cli.printRecord(await cli.call('GET', adminPath('teams', id))));

  team
    .command('set')
    .description('change a team; lists given replace the lists it has')
    .argument('<team>')
    .option('--name <name>', 'a name for people')
    .addOption(limitOption)
    .addOption(modelOption)
    .addOption(clearOption(['name', 'limits', 'models']))
    .action(async (id: string, options: FieldOptions) => {
      cli.printRecord(await cli.call('PATCH', adminPath('teams', id), bodyOf(options)));
    });

  team
    .command('delete')
    .description('remove a team with its users and tokens')
    .argument('<team>')
    .action(async (id: string) => {
      cli.printRecord(await cli.call('DELETE', adminPath('teams', id)), `Deleted the team ${id}.`);
    });
}
