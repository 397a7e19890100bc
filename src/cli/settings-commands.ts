import type { Command } from 'commander';
import type { Limit } from '../base/limit.ts';
import { adminPath, clearOption, limitOption, parseLimit, repeatable } from './arguments.ts';
import type { Cli } from './cli.ts';
import { example } from './example.ts';

/** What is made without saying which limits it has. */
const kinds = ['team', 'user', 'token'] as const;

interface SettingsOptions {
  limit?: Limit[];
  teamLimit?: Limit[];
  userLimit?: Limit[];
  tokenLimit?: Limit[];
  clear?: string[];
}

/** `tollgate settings …` */
export function settingsCommands(program: Command, cli: Cli): void {
  const settings = program
    .command('settings')
    .description('What holds for the whole gateway')
    .addHelpText('after', example('settings show'));
  const path = adminPath('settings');

  settings
    .command('show')
    .description('show the limits over the gateway, and those that new teams, users and tokens get')
    .addHelpText('after', example('settings show'))
    .action(async () => cli.printRecord(await cli.call('GET', path)));

  settings
    .command('set')
    .description('change them; lists given replace the lists there are')
    .addOption(limitOption)
    .addOption(repeatable('--team-limit <limit>', 'what a new team gets', parseLimit))
    .addOption(repeatable('--user-limit <limit>', 'what a new user gets', parseLimit))
    .addOption(repeatable('--token-limit <limit>', 'what a new token gets', parseLimit))
    .addOption(clearOption(['limits', 'defaults', ...kinds.map((kind) => `${kind}-limits`)]))
    .addHelpText('after', example('settings set --limit tokens/day=5000000'))
    .action(async (options: SettingsOptions) => {
      cli.printRecord(await cli.call('PATCH', path, settingsBody(options)));
    });
}

function settingsBody(options: SettingsOptions): object {
  const { limit, teamLimit, userLimit, tokenLimit, clear = [] } = options;
  const ofNew = { team: teamLimit, user: userLimit, token: tokenLimit };
  const defaults = Object.fromEntries(
    kinds
      .filter((kind) => ofNew[kind] !== undefined || clear.includes(`${kind}-limits`))
      .map((kind) => [kind, { limits: ofNew[kind] ?? null }]),
  );
  const cleared = (['limits', 'defaults'] as const).filter((field) => clear.includes(field));
  return {
    ...Object.fromEntries(cleared.map((field) => [field, null])),
    ...(limit ? { limits: limit } : {}),
    ...(Object.keys(defaults).length > 0 ? { defaults } : {}),
  };
}
