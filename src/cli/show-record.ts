import { Option } from 'commander';
import { isJsonObject, type JsonValue } from '../base/request.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { type Column, fieldList, fittedTable } from './table.ts';

export const usageOption = new Option('--usage', 'also show what is used and left of its limits');

const columns: Column[] = [
  { title: 'LIMIT', cell: (limit) => plain(limit) },
  { title: 'USED', cell: ({ used }) => plain(used), right: true },
  { title: 'LEFT', cell: ({ remaining }) => plain(remaining), right: true },
  { title: 'RAISED BY', cell: (limit) => plain(limit['raised_by']), right: true, optional: true },
  { title: 'ALL FREE AT', cell: (limit) => shortTime(limit['resets_at']) },
];

/** Prints a record; with `usage` its limits as a table of what is used of them. */
export async function showRecord(
  cli: Cli,
  path: string,
  { usage = false }: { usage?: boolean },
): Promise<void> {
  return usage ? printWithLimits(cli, `${path}?usage=true`) : cli.callAndPrint('GET', path);
}

/** Prints what a path answers, its limits as a table. */
export async function printWithLimits(cli: Cli, path: string): Promise<void> {
  const record = await cli.call('GET', path);
  if (record === null) return;
  const { limits, ...fields } = record;
  cli.printDone(record, `${fieldList(fields, cli.width)}\n\n${limitTable(limits, cli.width)}`);
}

/** Limits of an answer, with what is used of them. */
export function limitTable(limits: JsonValue | undefined, width: number): string {
  const rows = Array.isArray(limits) ? limits.filter(isJsonObject) : [];
  return rows.length === 0 ? 'No limits.' : fittedTable(columns, rows, width);
}
