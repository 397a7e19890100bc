import { type Command, Option } from 'commander';
import { tokenStates } from '../identity/records/token-state.ts';
import { adminPath, cursorOptions, parseDuration, withQuery, yesOption } from './arguments.ts';
import { day, plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { CommandFailed } from './command-failed.ts';
import { example } from './help.ts';
import type { Column } from './table.ts';
import { parseAgo } from './time-range.ts';

const columns: Column[] = [
  { title: 'TEAM', cell: ({ team }) => plain(team), apart: true },
  { title: 'TOKEN', cell: ({ id }) => plain(id), whole: true },
  { title: 'USER', cell: ({ user }) => plain(user), apart: true },
  { title: 'NAME', cell: ({ name }) => plain(name), optional: true },
  { title: 'STATE', cell: ({ state }) => plain(state), whole: true },
  { title: 'USED', cell: (token) => day(token['last_used_at']), whole: true, optional: true },
  { title: 'EXPIRES', cell: (token) => day(token['expires_at']), whole: true, optional: true },
];

interface SearchOptions {
  team?: string;
  user?: string;
  search?: string;
  state?: string;
  unusedSince?: string;
  expiresWithin?: number;
  endedBefore?: string;
  limit?: string;
  cursor?: string;
}

/** `tollgate token find` and `tollgate token purge`, beside the commands on one token. */
export function tokenSearchCommands(token: Command, cli: Cli): void {
  const find = token
    .command('find')
    .description('find tokens of all teams that you may see')
    .option('--team <team>')
    .option('--user <user>')
    .option('--search <text>', 'only those with this in their id or name')
    .addOption(new Option('--state <state>').choices(tokenStates))
    .addOption(
      new Option('--unused-since <when>', 'not used since: 90d (ago), 2026-01-31').argParser(parseAgo),
    )
    .addOption(
      new Option('--expires-within <time>', 'working and to expire so soon: 7d, 12h').argParser(
        parseDuration,
      ),
    )
    .addOption(
      new Option('--ended-before <when>', 'revoked or expired before: 90d (ago), 2026-01-31').argParser(
        parseAgo,
      ),
    );
  for (const option of cursorOptions) find.addOption(option);
  find
    .addHelpText('after', example('token find --unused-since 90d', 'token find --state suspended'))
    .action((options: SearchOptions) => cli.printRows(searchPath(options), columns));

  token
    .command('purge')
    .description('delete the tokens of a team that ended long ago; the audit trail keeps what they were')
    .argument('<team>')
    .addOption(
      new Option('--ended-before <when>', 'revoked or expired before: 90d (ago), 2026-01-31')
        .argParser(parseAgo)
        .makeOptionMandatory(),
    )
    .addOption(yesOption)
    .addHelpText('after', example('token purge acme --ended-before 90d --yes'))
    .action(async (team: string, { endedBefore, yes }: { endedBefore: string; yes?: boolean }) => {
      await cli.confirm({ yes, loss: () => lossOf(cli, team, endedBefore) });
      const deleted = await purge(cli, team, endedBefore);
      cli.printDone({ team, deleted }, `Deleted ${counted(deleted)} of ${team}.`);
    });
}

function searchPath(options: SearchOptions): string {
  const { search: q, unusedSince, expiresWithin, endedBefore, ...same } = options;
  return withQuery(adminPath('tokens'), {
    q,
    unused_since: unusedSince,
    expires_within: expiresWithin === undefined ? undefined : String(expiresWithin),
    ended_before: endedBefore,
    ...same,
  });
}

/** Each call is bounded: goes on until nothing is left, or nothing more can be deleted. */
async function purge(cli: Cli, team: string, endedBefore: string): Promise<number> {
  const path = withQuery(adminPath('teams', team, 'tokens'), { ended_before: endedBefore });
  let deleted = 0;
  for (let isMore = true; isMore;) {
    const answer = await cli.call('DELETE', path).catch((error: unknown) => {
      if (!(error instanceof CommandFailed) || deleted === 0) throw error;
      throw new CommandFailed(`Deleted ${counted(deleted)} until then.\n${error.message}`, error.exitCode);
    });
    const { deleted: some, remaining } = answer ?? {};
    const now = typeof some === 'number' ? some : 0;
    deleted += now;
    isMore = now > 0 && remaining !== 0;
  }
  return deleted;
}

async function lossOf(cli: Cli, team: string, endedBefore: string): Promise<string> {
  let count = 0;
  for (let cursor: string | null | undefined; cursor !== null;) {
    const path = searchPath({ team, endedBefore, limit: '1000', ...(cursor ? { cursor } : {}) });
    const page = await cli.page(path);
    count += page.rows.length;
    cursor = page.next;
  }
  return `This deletes ${counted(count)} of ${team} that ended before ${endedBefore}.`;
}

function counted(count: number): string {
  return `${count} token${count === 1 ? '' : 's'}`;
}
