import { type Command, Option } from 'commander';
import type { JsonObject } from '../base/request.ts';
import { adminPath, parseDuration } from './arguments.ts';
import { plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { withYes, type YesOption } from './removal.ts';
import { example } from './help.ts';

/** How the token's text reaches its holder. */
export interface HandOverOptions {
  claim?: boolean;
}

interface RotateOptions extends HandOverOptions, YesOption {
  overlap?: number;
}

/** `tollgate token rotate …` */
export function rotateCommand(token: Command, cli: Cli): void {
  withYes(token.command('rotate'))
    .description(
      'give a token a new secret; the old one keeps working for a while (with --overlap 0 it asks first)',
    )
    .argument('<team>')
    .argument('<id>', 'tok_…')
    .option(
      '--overlap <time>',
      'how long the old secret keeps working: 7d, 12h, 30m, 0; default: a day',
      parseDuration,
    )
    .addOption(claimOption())
    .addHelpText(
      'after',
      example(
        'token rotate acme tok_4fJ2mQ9sXbVe --overlap 7d',
        'token rotate acme tok_4fJ2mQ9sXbVe --claim',
      ),
    )
    .action(async (team: string, id: string, options: RotateOptions) => {
      const { overlap, yes } = options;
      if (overlap === 0)
        await cli.confirm({ yes, loss: () => `Every current secret of ${id} stops working at once.` });
      const body = { ...(overlap === undefined ? {} : { overlap_seconds: overlap }), ...handOver(options) };
      const rotated = await cli.call('POST', adminPath('teams', team, 'tokens', id, 'rotate'), body);
      cli.printRecord(rotated);
      cli.note(keepSafe(rotated));
    });
}

/** An option object belongs to one command, so each gets its own. */
export function claimOption(): Option {
  return new Option(
    '--claim',
    'print a link that shows the token once, within an hour, instead of the token itself',
  );
}

/** The body fields that say how the token is handed over. */
export function handOver({ claim }: HandOverOptions): { claim?: true } {
  return claim === true ? { claim } : {};
}

/** The note for the person who made the token, about its text or link. */
export function keepSafe(made: JsonObject | null): string {
  const url = made?.['claim_url'];
  if (url === undefined) return 'The token is shown only once. Keep it safe: it cannot be shown again.';
  const whole = plain(url).startsWith('/') ? "Put your gateway's address before the link. " : '';
  return `${whole}It shows the token once, within an hour, to whoever opens it first: send it only to the token's holder.`;
}
