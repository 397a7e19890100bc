import type { Command } from 'commander';
import { plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { example } from './help.ts';

/** `tollgate console` */
export function consoleCommand(program: Command, cli: Cli): void {
  program
    .command('console')
    .description('make a link that opens the console in a browser, signed in as root; it works once')
    .addHelpText('after', example('console'))
    .action(async () => {
      const made = await cli.call('POST', '/admin/console-links');
      if (made === null) return;
      const { url = '', expires_at: until = '' } = made;
      cli.printDone(made, plain(url));
      cli.note(
        `It signs in as root, once, until ${plain(until)}. Open it yourself: do not send it to anybody.`,
      );
      if (typeof url === 'string' && url.startsWith('/'))
        cli.note('Put the address of your gateway before it.');
    });
}
