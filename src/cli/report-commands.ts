import type { Command } from 'commander';
import { usageFigures } from '../core/entry.ts';
import { adminPath } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import type { Column } from './table.ts';

interface Filters {
  user?: string;
  token?: string;
  model?: string;
  endpoint?: string;
}
interface UsageOptions extends Filters {
  by?: string;
  from?: string;
  to?: string;
}
interface RequestOptions extends Filters {
  outcome?: string;
  limit?: string;
  cursor?: string;
}

const requestColumns: Column[] = [
  { title: 'TIME', cell: ({ time }) => shortTime(time) },
  { title: 'TEAM', cell: ({ team }) => plain(team) },
  { title: 'USER', cell: ({ user }) => plain(user) },
  { title: 'TOKEN', cell: (entry) => plain(entry['token_id']) },
  { title: 'ENDPOINT', cell: ({ endpoint }) => plain(endpoint) },
  { title: 'MODEL', cell: ({ model }) => plain(model) },
  { title: 'STATUS', cell: ({ status }) => plain(status), right: true },
  { title: 'OUTCOME', cell: ({ outcome }) => plain(outcome) },
  { title: 'INPUT', cell: (entry) => plain(entry['input_tokens']), right: true },
  { title: 'OUTPUT', cell: (entry) => plain(entry['output_tokens']), right: true },
  { title: 'MS', cell: (entry) => plain(entry['duration_ms']), right: true },
];

/** `tollgate usage` and `tollgate requests` */
export function reportCommands(program: Command, cli: Cli): void {
  withFilters(program.command('usage'))
    .description('what was used, by UTC days; today where nothing is said')
    .argument('[team]')
    .option('--by <groups>', 'a list of day, team, user, token, model, endpoint')
    .option('--from <day>', 'first day, 2026-01-31')
    .option('--to <day>', 'last day, included')
    .action(async (team: string | undefined, { by, ...options }: UsageOptions) => {
      const query = { team, group_by: by, ...options };
      cli.printList(await cli.call('GET', adminPath('usage') + queryText(query)), usageColumns(by));
    });

  withFilters(program.command('requests'))
    .description('requests, the newest first')
    .argument('[team]')
    .option('--outcome <outcome>', 'ok, error, aborted or lost')
    .option('--limit <count>', 'how many, up to 1000')
    .option('--cursor <cursor>', 'where the list before this one ended')
    .action(async (team: string | undefined, options: RequestOptions) => {
      const answer = await cli.call('GET', adminPath('requests') + queryText({ team, ...options }));
      cli.printList(answer, requestColumns);
      const next = answer?.['next_cursor'];
      if (typeof next === 'string') cli.note(`There is more: add --cursor ${plain(next)}`);
    });
}

function withFilters(command: Command): Command {
  return command
    .option('--user <user>')
    .option('--token <id>', 'tok_…')
    .option('--model <id>')
    .option('--endpoint <path>');
}

function usageColumns(by = ''): Column[] {
  const groups = by.split(',').filter((group) => group !== '');
  return [
    ...groups.map((group) => ({ title: group.toUpperCase(), cell: cellOf(group) })),
    ...usageFigures.map((figure) => ({
      title: figure.replace('_', ' ').toUpperCase(),
      cell: cellOf(figure),
      right: true,
    })),
  ];
}

function cellOf(field: string): Column['cell'] {
  return (row) => plain(row[field]);
}

function queryText(parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(key, value);
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
