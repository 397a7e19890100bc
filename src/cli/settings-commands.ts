import type { Command } from 'commander';
import type { Limit } from '../base/limit.ts';
import {
  adminPath,
  clearOption,
  endUserLimitOption,
  type GivenOptions,
  limitOption,
  parseLimit,
  repeatable,
} from './arguments.ts';
import { limitChangeOptions, sendChanges } from './limit-changes.ts';
import type { Cli } from './cli.ts';
import { example } from './help.ts';
import { showRecord, usageOption } from './show-record.ts';

/** Whatever gets default limits when it is created. */
const kinds = ['team', 'user', 'token'] as const;

interface SettingsOptions {
  limit?: Limit[];
  endUserLimit?: Limit[];
  teamLimit?: Limit[];
  userLimit?: Limit[];
  tokenLimit?: Limit[];
  clear?: string[];
}

/** `tollgate settings …` */
export function settingsCommands(program: Command, cli: Cli): void {
  const settings = program
    .command('settings')
    .description('Settings of the whole gateway')
    .addHelpText('after', example('settings show'));
  const path = adminPath('settings');

  settings
    .command('show')
    .description('show the limits of the gateway, and the default limits of new teams, users and tokens')
    .addOption(usageOption)
    .addHelpText('after', example('settings show', 'settings show --usage'))
    .action((options: { usage?: boolean }) => showRecord(cli, path, options));

  const setting = settings
    .command('set')
    .description('change settings; a list replaces the old one')
    .addOption(limitOption)
    .addOption(endUserLimitOption)
    .addOption(repeatable('--team-limit <limit>', 'a default limit of new teams', parseLimit))
    .addOption(repeatable('--user-limit <limit>', 'a default limit of new users', parseLimit))
    .addOption(repeatable('--token-limit <limit>', 'a default limit of new tokens', parseLimit))
    .addOption(
      clearOption(['limits', 'end_user_limits', 'defaults', ...kinds.map((kind) => `${kind}-limits`)]),
    );
  for (const option of limitChangeOptions) setting.addOption(option);
  setting
    .addHelpText(
      'after',
      example('settings set --limit tokens/day=5000000', 'settings set --add-limit tokens/month=90000000'),
    )
    .action((options: GivenOptions) => sendChanges(cli, path, settingsBody, options));
}

function settingsBody(options: GivenOptions & SettingsOptions): object {
  const { limit, endUserLimit, teamLimit, userLimit, tokenLimit, clear = [] } = options;
  const ofNew = { team: teamLimit, user: userLimit, token: tokenLimit };
  const defaults = Object.fromEntries(
    kinds
      .filter((kind) => ofNew[kind] !== undefined || clear.includes(`${kind}-limits`))
      .map((kind) => [kind, { limits: ofNew[kind] ?? null }]),
  );
  const cleared = (['limits', 'end_user_limits', 'defaults'] as const).filter((field) =>
    clear.includes(field),
  );
  return {
    ...Object.fromEntries(cleared.map((field) => [field, null])),
    ...(limit ? { limits: limit } : {}),
    ...(endUserLimit ? { end_user_limits: endUserLimit } : {}),
    ...(Object.keys(defaults).length > 0 ? { defaults } : {}),
  };
}
