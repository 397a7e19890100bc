import { type Command, Option } from 'commander';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { periods } from '../reports/overview.ts';
import { adminPath, withQuery } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { example } from './help.ts';
import { type Column, fieldList, fittedTable } from './table.ts';

const figures: Column[] = [
  { title: 'REQUESTS', cell: ({ requests }) => plain(requests), right: true },
  { title: 'INPUT', cell: (row) => plain(row['input_tokens']), right: true, optional: true },
  { title: 'OUTPUT', cell: (row) => plain(row['output_tokens']), right: true, optional: true },
  { title: 'IMAGES', cell: ({ images }) => plain(images), right: true, optional: true },
  { title: 'ERRORS', cell: ({ errors }) => plain(errors), right: true, optional: true },
  { title: 'REFUSED', cell: ({ refused }) => plain(refused), right: true, optional: true },
  { title: 'COST', cell: (row) => plain(row['cost_usd']), right: true, optional: true },
];
const team: Column = { title: 'TEAM', cell: (row) => plain(row['team']), apart: true };
const user: Column = { title: 'USER', cell: (row) => plain(row['user']), apart: true };
const model: Column = { title: 'MODEL', cell: (row) => plain(row['model']), apart: true };

const limits: Column[] = [
  { title: 'OF', cell: (row) => (row['team'] === null ? 'the gateway' : plain(row['team'])), apart: true },
  { title: 'LIMIT', cell: plain, apart: true },
  { title: 'USED', cell: ({ used }) => plain(used), right: true },
  { title: 'LEFT', cell: ({ remaining }) => plain(remaining), right: true },
  { title: 'ALL FREE AT', cell: (row) => shortTime(row['resets_at']) },
];

/** The parts of an overview that are tables. */
const tables: readonly { field: string; title: string; columns: readonly Column[] }[] = [
  { field: 'top_users', title: 'Users', columns: [team, user, ...figures] },
  { field: 'top_models', title: 'Models', columns: [model, ...figures] },
  {
    field: 'refusals',
    title: 'Refusals',
    columns: [
      { title: 'CODE', cell: ({ code }) => plain(code), whole: true },
      { title: 'REFUSED', cell: ({ refused }) => plain(refused), right: true },
    ],
  },
  { field: 'limits', title: 'Limits nearest their end', columns: limits },
];

const upstreams: Column[] = [
  { title: 'ATTACHMENT', cell: ({ name }) => plain(name), whole: true },
  { title: 'SERVES', cell: ({ models }) => (models === null ? 'any model' : plain(models)) },
  { title: 'CIRCUIT', cell: ({ circuit }) => plain(circuit) },
  { title: 'REQUESTS LEFT', cell: ({ quota }) => room(quota, 'requests'), right: true, optional: true },
  { title: 'TOKENS LEFT', cell: ({ quota }) => room(quota, 'tokens'), right: true, optional: true },
];

/** `tollgate overview` and `tollgate upstreams` */
export function overviewCommands(program: Command, cli: Cli): void {
  program
    .command('overview')
    .description('show how the gateway is doing: figures, users, models, refusals, limits nearest their end')
    .addOption(new Option('--period <period>', 'UTC days up to today; default: today').choices(periods))
    .addHelpText('after', example('overview', 'overview --period 7d'))
    .action(async (options: { period?: string }) => {
      const overview = await cli.call('GET', withQuery(adminPath('overview'), { ...options }));
      if (overview) cli.printDone(overview, inWords(overview, cli.width));
    });

  program
    .command('upstreams')
    .description('list the attachments, what they serve, and what their keys have left; over HTTP only')
    .addHelpText('after', example('upstreams'))
    .action(() => cli.printRows(adminPath('upstreams'), upstreams));
}

function inWords(overview: JsonObject, width: number): string {
  const { period, store, records } = overview;
  const days = objectIn(period);
  const sections = tables.flatMap(({ field, title, columns }) => {
    const rows = rowsIn(overview[field]);
    return rows.length === 0 ? [] : [`${title}\n${fittedTable(columns, rows, width)}`];
  });
  const attachments = rowsIn(overview['upstreams']).map(
    (each) => `${plain(each['name'])} ${plain(each['circuit'])}`,
  );
  const rest = {
    ...(attachments.length > 0 ? { attachments } : {}),
    ...(isJsonObject(store ?? null) ? { store: store ?? null } : {}),
    ...(isJsonObject(records ?? null) ? { records: objectIn(records)['state'] ?? null } : {}),
  };
  return [
    `${plain(days['from'])} to ${plain(days['to'])}`,
    fittedTable(figures, [objectIn(overview['figures'])], width),
    ...sections,
    ...(Object.keys(rest).length > 0 ? [fieldList(rest, width)] : []),
  ].join('\n\n');
}

function room(quota: JsonValue | undefined, of: 'requests' | 'tokens'): string {
  const { remaining, limit } = objectIn(objectIn(quota)[of]);
  if (remaining === undefined) return '-';
  return limit === null ? plain(remaining) : `${plain(remaining)} of ${plain(limit)}`;
}

function objectIn(value: JsonValue | undefined): JsonObject {
  return value !== undefined && isJsonObject(value) ? value : {};
}

function rowsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
