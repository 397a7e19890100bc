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
import { counted, live, remove, withYes, type YesOption } from './removal.ts';
import { example } from './help.ts';
import type { Column } from './table.ts';

const columns: Column[] = [
  { title: 'TEAM', cell: ({ id }) => plain(id), whole: true },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'LIMITS', cell: ({ limits }) => plain(limits) },
  { title: 'MODELS', cell: ({ models }) => allowed('models', models) },
  { title: 'SUSPENDED', cell: (team) => day(team['suspended_at']), whole: true },
];
const modelOption = repeatable('--model <id>', 'a model the team may use');

const suspension = {
  suspend: 'refuse all requests of a team from now on',
  resume: 'accept the requests of a suspended team again',
};

/** `tollgate team …` */
export function teamCommands(program: Command, cli: Cli): void {
  const team = program
    .command('team')
    .description('Teams: their users share limits')
    .addHelpText('after', example('team list'));

  team
    .command('create')
    .description('create a team')
    .argument('<team>', 'its id: a-z, 0-9 and -')
    .option('--name <name>', 'a name for people')
    .addOption(limitOption)
    .addOption(modelOption)
    .addOption(emptyOption(['limits', 'models']))
    .addHelpText('after', example('team create beta --limit tokens/day=100000'))
    .action((id: string, options: FieldOptions) =>
      cli.callAndPrint('POST', adminPath('teams'), { id, ...bodyOf(options) }),
    );

  team
    .command('list')
    .description('list all teams')
    .addHelpText('after', example('team list'))
    .action(() => cli.callAndList(adminPath('teams'), columns));

  team
    .command('show')
    .description('show a team')
    .argument('<team>')
    .addHelpText('after', example('team show acme'))
    .action((id: string) => cli.callAndPrint('GET', adminPath('teams', id)));

  team
    .command('set')
    .description('change a team; a list replaces the list it had')
    .argument('<team>')
    .option('--name <name>', 'a name for people')
    .addOption(limitOption)
    .addOption(modelOption)
    .addOption(clearOption(['name', 'limits', 'models']))
    .addOption(emptyOption(['limits', 'models']))
    .addHelpText('after', example('team set acme --name Acme --clear models'))
    .action((id: string, options: FieldOptions) =>
      cli.callAndPrint('PATCH', adminPath('teams', id), bodyOf(options)),
    );

  for (const verb of ['suspend', 'resume'] as const) {
    team
      .command(verb)
      .description(suspension[verb])
      .argument('<team>')
      .addHelpText('after', example(`team ${verb} acme`))
      .action((id: string) => cli.callAndPrint('POST', adminPath('teams', id, verb)));
  }

  withYes(team.command('delete'))
    .description('delete a team with its users and tokens')
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
  return `This deletes the team ${team}, ${counted(users.length, 'user')} and ${counted(tokens.length, 'working token')}.`;
}
