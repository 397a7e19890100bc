import type { Command } from 'commander';
import { example } from './example.ts';

/** `tollgate help token rotate`: commander's own looks at the first word only. */
export function helpCommand(program: Command): void {
  program
    .command('help [command...]')
    .description('what a command does and takes')
    .addHelpText('after', example('help token rotate'))
    .action((names: readonly string[]) => commandAt(program, names).help());
}

function commandAt(program: Command, names: readonly string[]): Command {
  let found = program;
  for (const name of names) {
    const next = found.commands.find((command) => command.name() === name);
    // As commander says it of a command line that has it.
    found = next ?? found.error(`error: unknown command '${name}'`, { code: 'commander.unknownCommand' });
  }
  return found;
}
