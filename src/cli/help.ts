import type { Command } from 'commander';

/** The end of a command's help: lines to paste. A test runs each of them. */
export function example(...lines: readonly string[]): string {
  const [first = '', ...more] = lines.map((line) => `npm run tollgate -- ${line}`);
  return ['', `Example: ${first}`, ...more.map((line) => `         ${line}`)].join('\n');
}

/** `tollgate help token rotate`. Commander's own help command looks only at the first word. */
export function helpCommand(program: Command): void {
  program
    .command('help [command...]')
    .description('show what a command does, and its options')
    .addHelpText('after', example('help token rotate'))
    .action((names: readonly string[]) => commandAt(program, names).help());
}

function commandAt(program: Command, names: readonly string[]): Command {
  let found = program;
  for (const name of names) {
    const next = found.commands.find((command) => command.name() === name);
    // The same words as commander's own error.
    found = next ?? found.error(`error: unknown command '${name}'`, { code: 'commander.unknownCommand' });
  }
  return found;
}
