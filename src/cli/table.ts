import type { JsonObject } from '../core/request.ts';

export interface Column {
  title: string;
  cell: (row: JsonObject) => string;
  /** Figures stand to the right. */
  right?: boolean;
}

/** Rows under titles, in aligned columns. */
export function table(columns: readonly Column[], rows: readonly JsonObject[]): string {
  if (rows.length === 0) return 'None.';
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)));
  return lines.map((line) => aligned(line, columns, widths)).join('\n');
}

function aligned(line: readonly string[], columns: readonly Column[], widths: readonly number[]): string {
  return line
    .map((cell, index) => {
      const width = widths[index] ?? 0;
      return columns[index]?.right ? cell.padStart(width) : cell.padEnd(width);
    })
    .join('  ')
    .trimEnd();
}
