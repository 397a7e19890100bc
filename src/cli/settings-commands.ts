import type { Command } from 'commander';
import type { Limit } from '../core/limit.ts';
import { adminPath, clearOption, limitOption, parseLimit, repeatable } from './arguments.ts';
import type { Cli } from './cli.ts';

interface SettingsOptions {
  limit?: Limit[];
  teamLimit?: Limit[];
  userLimit?: Limit[];
  tokenLimit?: Limit[];
  clear?: string[];
}

/** `tollgate settings …` */
export function settingsCommands(program: Command, cli: Cli): void {
  const settings = program.command('settings').description('What holds for the whole gateway');
  const path = adminPath('settings');

  settings
    .command('show')
    .description('show the limits over the gateway, and those that new teams, users and tokens get')
    .action(async () => cli.printRecord(await cli.call('GET', path)));

  settings
    .command('set')
    .description('change them; lists given replace the lists there are')
    .addOption(limitOption)
    .addOption(repeatable('--team-limit <limit>', 'what a new team gets', parseLimit))
    .addOption(repeatable('--user-limit <limit>', 'what a new user gets', parseLimit))
    .addOption(repeatable('--token-limit <limit>', 'what a new token gets', parseLimit))
    .addOption(clearOption(['limits', 'defaults']))
    .action(async (options: SettingsOptions) => {
      cli.printRecord(await cli.call('PATCH', path, settingsBody(options)));
    });
}

function settingsBody({ limit, teamLimit, userLimit, tokenLimit, clear = [] }: SettingsOptions): object {
  const defaults = Object.fromEntries(
    Object.entries({ team: teamLimit, user: userLimit, token: tokenLimit })
      .filter(([, limits]) => limits !== undefined)
      .map(([kind, limits]) => [kind, { limits }]),
  );
  return {
    ...Object.fromEntries(clear.map((field) => [field, null])),
    ...(limit ? { limits: limit } : {}),
    ...(Object.keys(defaults).length > 0 ? { defaults } : {}),
  };
}
