import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../base/clock.ts';
import { dayMs, dayOf } from '../base/days.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { adminPath, withQuery } from './arguments.ts';
import { plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import { example } from './help.ts';
import { type Column, fittedTable } from './table.ts';

/** As many as the API compares at a time. */
const daysPerCall = 31;

const columns: Column[] = [
  { title: 'DAY', cell: ({ day }) => plain(day) },
  { title: 'OF', cell: ({ kind }) => plain(kind) },
  { title: 'ROW', cell: ({ row }) => rowText(row), apart: true },
  { title: 'FIGURE', cell: ({ figure }) => plain(figure) },
  { title: 'STORE', cell: cellOf('store'), right: true },
  { title: 'SUMS', cell: cellOf('sums'), right: true },
  { title: 'ENTRIES', cell: cellOf('entries'), right: true },
];

/** `tollgate ledger …` */
export function ledgerCommands(program: Command, cli: Cli): void {
  const ledger = program
    .command('ledger')
    .description('The records that Postgres keeps')
    .addHelpText('after', example('ledger status'));

  ledger
    .command('status')
    .description('show whether Postgres keeps records, what it lacks, and what it takes')
    .addHelpText('after', example('ledger status'))
    .action(() => cli.callAndPrint('GET', adminPath('records')));

  ledger
    .command('verify')
    .description(
      'compare the sums of the store, of Postgres, and of its entries, row by row; exits with 1 if they differ',
    )
    .option('--from <day>', 'the first UTC day; default: the last one', parseDay)
    .option('--to <day>', 'the last UTC day; default: today', parseDay)
    .addHelpText('after', example('ledger verify --from 2026-01-01 --to 2026-01-31'))
    .action(async ({ from, to }: { from?: string; to?: string }) => {
      const last = to ?? dayOf(systemClock.now());
      const found = await verified(cli, from ?? last, last);
      cli.printDone(found, wordsFor(found));
      const count = found.differences.length + found.left_out;
      if (count > 0)
        throw new CommandFailed(`The records are not the same everywhere. Differences: ${count}.`);
    });
}

/** What the API found, of any number of days. */
type Found = JsonObject & { rows: number; left_out: number; differences: JsonObject[]; gaps: JsonObject[] };

async function verified(cli: Cli, from: string, to: string): Promise<Found> {
  const [firstMs, lastMs] = [Date.parse(from), Date.parse(to)];
  if (firstMs > lastMs) throw new CommandFailed('--from must not be after --to.', exitCodes.misused);
  const found: Found = { from, to, rows: 0, differences: [], left_out: 0, gaps: [] };
  for (let atMs = firstMs; atMs <= lastMs; atMs += daysPerCall * dayMs) {
    const days = { from: dayOf(atMs), to: dayOf(Math.min(lastMs, atMs + (daysPerCall - 1) * dayMs)) };
    const part = (await cli.call('GET', withQuery(adminPath('records', 'verify'), days))) ?? {};
    found.rows += Number(part['rows']);
    found.left_out += Number(part['left_out']);
    found.differences.push(...objectsIn(part['differences']));
    const known = new Set(found.gaps.map((gap) => JSON.stringify(gap)));
    found.gaps.push(...objectsIn(part['gaps']).filter((gap) => !known.has(JSON.stringify(gap))));
  }
  return found;
}

function wordsFor({ from, to, rows, differences, left_out, gaps }: Found): string {
  const lines = [`Rows compared, ${plain(from)} to ${plain(to)}: ${rows}`];
  if (differences.length > 0) lines.push('', fittedTable(columns, differences));
  if (left_out > 0) lines.push(`More differences: ${left_out}`);
  for (const { stream, missing, from: since, to: until, reason } of gaps) {
    const count = missing === null ? 'an unknown number' : plain(missing);
    lines.push(`Gap: ${count} of ${plain(stream)}, ${plain(since)} to ${plain(until)}. ${plain(reason)}`);
  }
  return lines.join('\n');
}

/** The parts that name a row; what is not known is left out. */
function rowText(row: JsonValue | undefined): string {
  if (!isJsonObject(row)) return '-';
  return Object.values(row)
    .filter((part) => part !== null)
    .map(plain)
    .join(' ');
}

function cellOf(place: string): Column['cell'] {
  return ({ places }) => {
    const said = isJsonObject(places) ? places[place] : undefined;
    if (said === undefined) return '';
    return said === null ? 'none' : plain(said);
  };
}

function objectsIn(list: JsonValue | undefined): JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

function parseDay(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('Write a UTC day such as 2026-01-31.');
}
