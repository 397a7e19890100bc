import type { JsonObject } from '../core/request.ts';
import { table, type Column } from './table.ts';

const maxWidth = 80;
const gap = 2;
/** What is left of a text must still tell it from others. */
const leastWidth = 8;

/**
 * Rows under titles within 80 columns: long texts are shortened, the longest first; where that is not enough, each row
 * is told a field a line. Figures are never shortened.
 */
export function fittedTable(columns: readonly Column[], rows: readonly JsonObject[]): string {
  const widths = columns.map((column) => widthOf(column, rows));
  let excess = widths.reduce((sum, width) => sum + width + gap, -gap) - maxWidth;
  while (excess > 0) {
    const widest = widestText(columns, widths);
    if (widest < 0) return rows.map((row) => fields(columns, row)).join('\n\n');
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return table(
    columns.map((column, n) => shortened(column, widths[n] ?? 0)),
    rows,
  );
}

function widthOf({ title, cell }: Column, rows: readonly JsonObject[]): number {
  return Math.max(title.length, ...rows.map((row) => cell(row).length));
}

/** The widest column that can be narrower; -1 where none can. */
function widestText(columns: readonly Column[], widths: readonly number[]): number {
  let widest = -1;
  for (const [n, { right = false, title }] of columns.entries()) {
    const width = widths[n] ?? 0;
    if (!right && width > Math.max(leastWidth, title.length) && width > (widths[widest] ?? 0)) widest = n;
  }
  return widest;
}

function shortened(column: Column, width: number): Column {
  return {
    ...column,
    cell: (row) => {
      const text = column.cell(row);
      return text.length > width ? `${text.slice(0, width - 1)}…` : text;
    },
  };
}

function fields(columns: readonly Column[], row: JsonObject): string {
  const width = Math.max(...columns.map(({ title }) => title.length));
  return columns.map(({ title, cell }) => `${title.padEnd(width)}  ${cell(row)}`).join('\n');
}
