import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';
import type { InstructionCounter } from './instructions/counter.ts';
import { onPath } from './peers.ts';

/** What a case measured: rows of figures under named columns. */
export interface Table {
  title: string;
  columns: readonly string[];
  rows: readonly { name: string; figures: readonly (number | string)[] }[];
}

/** By the name of the case. */
export type Tables = Readonly<Record<string, Table>>;

export interface Results {
  date: string;
  machine: Record<string, string>;
  tables: Tables;
}

/** The median. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A figure for people: three significant digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** The machine and versions: figures mean nothing without them. */
export function machine(counter: InstructionCounter | null): Record<string, string> {
  const version = (program: string, ...args: string[]): string => {
    if (!onPath(program)) return 'none';
    try {
      const told = execFileSync('sh', ['-c', `${program} ${args.join(' ')} 2>&1; true`]).toString();
      return /\d+\.\d+(?:\.\d+)?/.exec(told)?.[0] ?? 'unknown';
    } catch {
      return 'unknown';
    }
  };
  const lock = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return {
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    node: process.version,
    redis: version('redis-server', '--version'),
    nginx: version('nginx', '-v'),
    wrk: version('wrk', '-v'),
    portkey: lock.dependencies['@portkey-ai/gateway'] ?? 'unknown',
    instructions: counter ? `of the main thread in user mode, counted by ${counter.name}` : 'not counted',
  };
}

/** The table in Markdown, which reads in a terminal as well. */
export function markdown({ columns, rows }: Table): string {
  const cells = rows.map(({ name, figures }) => [
    name,
    ...figures.map((f) => (typeof f === 'number' ? figure(f) : f)),
  ]);
  const head = ['', ...columns];
  const widths = head.map((text, n) => Math.max(text.length, ...cells.map((row) => row[n]?.length ?? 0), 3));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, n) => (n === 0 ? text.padEnd(widths[n] ?? 0) : text.padStart(widths[n] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, n) => (n === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...cells.map(line), ''].join('\n');
}

/** The same under its title. */
export function printed(table: Table): string {
  return `### ${table.title}\n\n${markdown(table)}`;
}

/** What was measured when, and where. */
export function provenance({ date, machine: parts }: Results): string {
  const told = Object.entries(parts).map(([name, value]) => `${name} ${value}`);
  return `${date}: ${told.join(', ')}.\n`;
}

/** Writes `bench/results/<file>.json` and `.md`. */
export async function writeResults(file: string, results: Results, aims: Table): Promise<void> {
  const directory = new URL('results/', import.meta.url);
  await mkdir(directory, { recursive: true });
  const tables = [aims, ...Object.values(results.tables)].map(printed);
  const text = [`# ${results.date}`, '', provenance(results), ...tables].join('\n');
  await writeFile(new URL(`${file}.json`, directory), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(new URL(`${file}.md`, directory), text);
}
