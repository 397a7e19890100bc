import { type Command, Option } from 'commander';
import { figures } from '../base/figures.ts';
import { usageFigures } from '../ledger/totals.ts';
import type { JsonObject } from '../base/request.ts';
import { adminPath } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { example } from './example.ts';
import type { Column } from './column.ts';

interface ReportOptions {
  user?: string;
  token?: string;
  endpoint?: string;
  from?: string;
  to?: string;
  /** csv or ndjson: printed as it comes. */
  format?: string;
}
interface SumOptions extends ReportOptions {
  by?: string;
  model?: string;
  code?: string;
}
interface RequestOptions extends ReportOptions {
  model?: string;
  outcome?: string;
  session?: string;
  endUser?: string;
  limit?: string;
  cursor?: string;
}

/** What stands where in a terminal; the rest of an entry is in every other format. */
const requestColumns: Column[] = [
  { title: 'TIME', cell: ({ time }) => shortTime(time).slice('2026-'.length) },
  { title: 'TEAM', cell: ({ team }) => plain(team) },
  { title: 'USER', cell: ({ user }) => plain(user) },
  { title: 'MODEL', cell: ({ model }) => plain(model), apart: true },
  { title: 'OUTCOME', cell: ({ outcome }) => plain(outcome) },
  { title: 'INPUT', cell: cellOf('input_tokens'), right: true },
  { title: 'OUTPUT', cell: cellOf('output_tokens'), right: true },
  { title: 'MS', cell: cellOf('duration_ms'), right: true },
];

/** Tables must fit a terminal, so they leave some figures out; every other format has them all. */
const leftOut = figures.filter(({ inTerminal }) => !inTerminal).map(({ name }): string => name);
const usageColumns = usageFigures.filter((name) => !leftOut.includes(name));

/** `tollgate usage`, `tollgate refusals` and `tollgate requests` */
export function reportCommands(program: Command, cli: Cli): void {
  withFilters(program.command('usage'))
    .description('what was used, by UTC days; today where nothing is said')
    .option('--model <id>')
    .option('--by <groups>', 'a list of day, team, user, token, model, endpoint')
    .addHelpText('after', example('usage acme --by user,day', 'usage --by team --format csv'))
    .action(async (team: string | undefined, { by, ...options }: SumOptions) => {
      await print(cli, pathOf('usage', { team, group_by: by, ...options }), sumColumns(by, usageColumns));
    });

  withFilters(program.command('refusals'))
    .description('how many requests were refused, by UTC days; today where nothing is said')
    .option('--code <code>', 'such as insufficient_quota')
    .option('--by <groups>', 'a list of day, team, user, token, endpoint, code')
    .addHelpText('after', example('refusals acme --by user,code'))
    .action(async (team: string | undefined, { by, ...options }: SumOptions) => {
      await print(cli, pathOf('refusals', { team, group_by: by, ...options }), sumColumns(by, ['refused']));
    });

  withFilters(program.command('requests'))
    .description('requests, the newest first; with --format and no --limit all there are')
    .option('--model <id>')
    .option('--outcome <outcome>', 'ok, error, aborted or lost')
    .option('--session <id>', 'ses_…')
    .option('--end-user <name>', 'whom a session was made for')
    .option('--limit <count>', 'how many, up to 1000')
    .option('--cursor <cursor>', 'where the list before this one ended')
    .addHelpText('after', example('requests acme --outcome error --limit 20'))
    .action(async (team: string | undefined, { endUser, ...options }: RequestOptions) => {
      const columns = requestColumns.filter(({ title }) => team === undefined || title !== 'TEAM');
      const answer = await print(cli, pathOf('requests', { team, end_user: endUser, ...options }), columns);
      const next = answer?.['next_cursor'];
      if (typeof next === 'string') cli.note(`There is more: add --cursor ${plain(next)}`);
    });
}

/** Prints a report, and gives the answer where it is not printed as it comes. */
async function print(
  cli: Cli,
  { path, format }: { path: string; format: string | undefined },
  columns: readonly Column[],
): Promise<JsonObject | null> {
  if (format !== undefined) {
    await cli.printAsItComes(path, format);
    return null;
  }
  const answer = await cli.call('GET', path);
  cli.printList(answer, columns);
  return answer;
}

function withFilters(command: Command): Command {
  return command
    .argument('[team]')
    .option('--user <user>')
    .option('--token <id>', 'tok_…')
    .option('--endpoint <path>')
    .option('--from <day>', 'first day, 2026-01-31')
    .option('--to <day>', 'last day, included')
    .addOption(new Option('--format <format>', 'print all of it, as it comes').choices(['csv', 'ndjson']));
}

function sumColumns(by: string | undefined, figures: readonly string[]): Column[] {
  const groups = (by ?? '').split(',').filter((group) => group !== '');
  return [
    ...groups.map((group) => ({
      title: group.toUpperCase(),
      cell: cellOf(group),
      whole: group === 'token',
      apart: true,
    })),
    ...figures.map((figure) => ({
      title: figure.replace('_tokens', '').replaceAll('_', ' ').toUpperCase(),
      cell: cellOf(figure),
      right: true,
    })),
  ];
}

function cellOf(field: string): Column['cell'] {
  return (row) => plain(row[field]);
}

function pathOf(
  report: string,
  parameters: Record<string, string | undefined>,
): { path: string; format: string | undefined } {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(key, value);
  }
  const text = query.size === 0 ? '' : `?${query.toString()}`;
  return { path: adminPath(report) + text, format: parameters['format'] };
}
