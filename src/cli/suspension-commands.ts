import type { Command } from 'commander';
import { adminPath } from './arguments.ts';
import type { Cli } from './cli.ts';
import { example } from './example.ts';

/** `suspend` and `resume` of teams and users, under the commands that there are for them. */
export function suspensionCommands(program: Command, cli: Cli): void {
  for (const verb of ['suspend', 'resume'] as const) {
    const what = verb === 'suspend' ? 'let nothing of it in from now on' : 'let it in again';
    commandOf(program, 'team')
      .command(verb)
      .description(`${verb} a team: ${what}`)
      .argument('<team>')
      .addHelpText('after', example(`team ${verb} acme`))
      .action(async (team: string) => {
        cli.printRecord(await cli.call('POST', adminPath('teams', team, verb)));
      });
    commandOf(program, 'user')
      .command(verb)
      .description(`${verb} a user: ${what}`)
      .argument('<team>')
      .argument('<user>')
      .addHelpText('after', example(`user ${verb} acme ana`))
      .action(async (team: string, user: string) => {
        cli.printRecord(await cli.call('POST', adminPath('teams', team, 'users', user, verb)));
      });
  }
}

function commandOf(program: Command, name: string): Command {
  const found = program.commands.find((command) => command.name() === name);
  if (!found) throw new TypeError(`There is no command ${name} yet.`);
  return found;
}
