import type { JsonObject } from '../base/request.ts';
import { csvLine } from '../reports/report.ts';
import { adminPath, withQuery } from './arguments.ts';
import { plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import { byPeriod, type Period, periods, sorted, totalOf } from './sums.ts';
import type { Column } from './table.ts';

/** A report of sums: what it can be grouped by, and its figures. */
export interface SumReport {
  name: 'usage' | 'refusals';
  groups: readonly string[];
  figures: readonly string[];
  /** The figures of the table. */
  shown: readonly string[];
}

/** As given on the command line. */
export interface SumOptions {
  team: string | undefined;
  by?: string | undefined;
  sort?: string | undefined;
  format?: string | undefined;
  bom?: string | undefined;
  [option: string]: string | undefined;
}

/** Prints sums: as the API tells them, or added up to weeks or months, sorted, and with a total. */
export async function printSums(cli: Cli, report: SumReport, given: SumOptions): Promise<void> {
  const { team, by = '', sort, format, bom, ...filters } = given;
  const grouping = groupingOf(by, report);
  const { period, groups } = grouping;
  const parameters = { team, ...filters, group_by: grouping.asked };
  const path = adminPath(report.name);
  if (format !== undefined && period === null && sort === undefined) {
    return cli.printRows(withQuery(path, { ...parameters, format, bom }), [], format);
  }
  const read = await cli.rows(withQuery(path, parameters));
  const summed = period === null ? read : byPeriod(read, period, groups);
  const rows = sort === undefined ? summed : sorted(summed, sort, [...groups, ...report.figures]);
  if (format !== undefined) return cli.printText(writtenAs(format, rows, { report, groups, bom }), format);
  const columns = columnsOf(report, shownGroups(groups, by, team));
  const total = groups.length > 0 && rows.length > 1 ? totalRow(rows, groups, columns) : null;
  cli.printTable({ data: rows }, columns, total === null ? rows : [...rows, total]);
}

interface Grouping {
  /** What the API groups by. */
  asked: string | undefined;
  period: Period | null;
  /** The groups of a row, in the order of the report. */
  groups: readonly string[];
}

function groupingOf(by: string, { groups: known }: SumReport): Grouping {
  const names = by.split(',').filter((name) => name !== '');
  const spans = names.filter((name) => name === 'day' || periods.some((period) => period === name));
  if (new Set(spans).size > 1) {
    throw new CommandFailed('--by takes one of day, week and month.', exitCodes.misused);
  }
  const period = periods.find((each) => names.includes(each)) ?? null;
  const asked = names.map((name) => (name === period ? 'day' : name));
  const bringsTeam = asked.some((name) => bringingTeam.has(name));
  const groups = known
    .filter((name) => asked.includes(name) || (name === 'team' && bringsTeam))
    .map((name) => (name === 'day' && period !== null ? period : name))
    .concat([...new Set(asked.filter((name) => name.startsWith('tag:')))]);
  return { asked: asked.length === 0 ? undefined : asked.join(','), period, groups };
}

/** Their names are unique inside a team only. */
const bringingTeam: ReadonlySet<string> = new Set(['user', 'token', 'end_user']);

/** In the order asked. A user's or token's row has its team, which needs no column if it is the same in all. */
function shownGroups(groups: readonly string[], by: string, team: string | undefined): string[] {
  const asked = by.split(',').filter((name) => groups.includes(name));
  if (team !== undefined || asked.includes('team') || !groups.includes('team')) return asked;
  const at = asked.findIndex((name) => bringingTeam.has(name));
  return asked.toSpliced(Math.max(0, at), 0, 'team');
}

function columnsOf({ shown }: SumReport, groups: readonly string[]): Column[] {
  return [
    ...groups.map((group) => ({
      title: group.toUpperCase(),
      cell: cellOf(group),
      whole: group === 'token',
      apart: true,
    })),
    ...shown.map((figure) => ({
      title: titleOf(figure),
      cell: cellOf(figure),
      right: figure !== 'last_at',
      // A column of nothing but zeros tells nothing beside others.
      optional: groups.length > 0 && figure !== 'requests' && figure !== 'refused',
    })),
  ];
}

function titleOf(figure: string): string {
  if (figure === 'last_at') return 'LAST';
  return figure.replace('_tokens', '').replaceAll('_', ' ').toUpperCase();
}

function cellOf(field: string): Column['cell'] {
  return (row) => plain(row[field]);
}

/** Named in its first column, with nothing in the columns of the other groups. */
function totalRow(
  rows: readonly JsonObject[],
  groups: readonly string[],
  columns: readonly Column[],
): JsonObject {
  const first = columns[0]?.title.toLowerCase() ?? '';
  const names = groups.map((group) => [group, group === first ? 'TOTAL' : '']);
  return { ...totalOf(rows, groups), ...Object.fromEntries(names) };
}

function writtenAs(
  format: string,
  rows: readonly JsonObject[],
  { report, groups, bom }: { report: SumReport; groups: readonly string[]; bom: string | undefined },
): string {
  if (format === 'ndjson') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const columns = [...groups, ...report.figures];
  const lines = rows.map((row) => csvLine(columns.map((name) => row[name] ?? null)));
  return (bom === undefined ? '' : '\uFEFF') + csvLine(columns) + lines.join('');
}
