import { type Command, Option } from 'commander';
import { figures } from '../base/figures.ts';
import { refusalGroups } from '../ledger/refusal-count.ts';
import { usageFigures, usageGroups } from '../ledger/totals.ts';
import { adminPath, withQuery } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { example } from './help.ts';
import { printSums, type SumReport } from './sum-reports.ts';
import type { Column } from './table.ts';
import { fromOption, toOption } from './time-range.ts';

/** By option, as given. */
type ReportOptions = Readonly<Record<string, string | undefined>>;

export const bomOption = new Option('--bom', 'begin CSV with a byte order mark, for Excel').preset('true');

/** The columns of the table. The other formats have every field of an entry. */
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
const leftOut: ReadonlySet<string> = new Set(
  figures.filter(({ inTerminal }) => !inTerminal).map(({ name }) => name),
);

const usageReport: SumReport = {
  name: 'usage',
  groups: usageGroups,
  figures: usageFigures,
  shown: usageFigures.filter((name) => !leftOut.has(name)),
};
const refusalsReport: SumReport = {
  name: 'refusals',
  groups: refusalGroups,
  figures: ['refused', 'last_at'],
  shown: ['refused', 'last_at'],
};

/** `tollgate usage`, `tollgate refusals` and `tollgate requests` */
export function reportCommands(program: Command, cli: Cli): void {
  withFilters(program.command('usage'))
    .description('show usage by UTC days; default: today')
    .option('--model <id>')
    .option('--end-user <name>', 'the end user of sessions')
    .option('--tag <tags>', 'such as project=x')
    .option(
      '--by <groups>',
      'group by any of day (or week, month),team,user,token,model,endpoint,end_user and tags such as tag:project',
    )
    .option('--top <count>', 'only so many rows, those that cost most first')
    .option('--sort <column>', 'such as cost or user; the other way round after a minus')
    .addHelpText(
      'after',
      example(
        'usage acme --by user,day --from 7d',
        'usage --by team,month --sort cost --from 2026-01-01',
        'usage --by team --format csv',
        'usage acme --by tag:project --from month',
        'usage acme --by end_user --top 20',
      ),
    )
    .action((team: string | undefined, { endUser, ...options }: ReportOptions) =>
      printSums(cli, usageReport, { team, end_user: endUser, ...options }),
    );

  withFilters(program.command('refusals'))
    .description('count refused requests by UTC days; default: today')
    .option('--code <code>', 'such as insufficient_quota')
    .option('--by <groups>', 'group by any of day (or week, month),team,user,token,endpoint,code,model,limit')
    .option('--sort <column>', 'such as refused or user; the other way round after a minus')
    .addHelpText('after', example('refusals acme --by user,code'))
    .action((team: string | undefined, options: ReportOptions) =>
      printSums(cli, refusalsReport, { team, ...options }),
    );

  withFilters(program.command('requests'))
    .description('list requests, newest first; --format without --limit prints all of them')
    .option('--model <id>')
    .option('--outcome <outcome>', 'ok, error, aborted or lost')
    .option('--session <id>', 'ses_…')
    .option('--end-user <name>', 'the end user of a session')
    .option('--tag <tags>', 'such as project=x')
    .option('--limit <count>', 'at most this many, up to 1000')
    .option('--cursor <cursor>', 'continue after the previous page')
    .addHelpText('after', example('requests acme --outcome error --limit 20'))
    .action((team: string | undefined, { endUser, ...options }: ReportOptions) => {
      const columns = requestColumns.filter(({ title }) => team === undefined || title !== 'TEAM');
      return print(cli, { report: 'requests', parameters: { team, end_user: endUser, ...options } }, columns);
    });
}

function print(
  cli: Cli,
  { report, parameters }: { report: string; parameters: ReportOptions },
  columns: readonly Column[],
): Promise<void> {
  return cli.printRows(withQuery(adminPath(report), parameters), columns, parameters['format']);
}

function withFilters(command: Command): Command {
  return command
    .argument('[team]')
    .option('--user <user>')
    .option('--token <id>', 'tok_…')
    .option('--endpoint <path>')
    .addOption(fromOption())
    .addOption(toOption())
    .addOption(new Option('--format <format>', 'print all rows as they arrive').choices(['csv', 'ndjson']))
    .addOption(bomOption);
}

function cellOf(field: string): Column['cell'] {
  return (row) => plain(row[field]);
}
