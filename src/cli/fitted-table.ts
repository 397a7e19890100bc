import type { JsonObject } from '../core/request.ts';
import type { Column } from './column.ts';
import { fieldLinesThatFit, maxWidth } from './field-list.ts';
import { padded, shortened, widthOf } from './text-width.ts';

const gap = 2;
/** What is left of a text must still tell it from others. */
const leastWidth = 8;

/**
 * Rows under titles within 80 columns: long texts are shortened, the longest first; where that is not enough, each row
 * is told a field a line. Ids and figures are never shortened.
 */
export function fittedTable(columns: readonly Column[], rows: readonly JsonObject[]): string {
  if (rows.length === 0) return 'None.';
  const lines = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = fittedWidths(columns, lines);
  if (widths === null) return lines.map((line) => fields(columns, line)).join('\n\n');
  return [columns.map(({ title }) => title), ...lines]
    .map((line) => aligned(columns, line, widths))
    .join('\n');
}

/** How wide each column is; null where they cannot be narrow enough. */
function fittedWidths(columns: readonly Column[], lines: readonly string[][]): number[] | null {
  const widths = columns.map(({ title }, n) =>
    lines.reduce((most, line) => Math.max(most, widthOf(line[n] ?? '')), title.length),
  );
  let excess = widths.reduce((sum, width) => sum + width + gap, -gap) - maxWidth;
  while (excess > 0) {
    const widest = widestText(columns, widths);
    if (widest < 0) return null;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

/** The widest column that can be narrower; -1 where none can. */
function widestText(columns: readonly Column[], widths: readonly number[]): number {
  let widest = -1;
  for (const [n, { right = false, whole = false, title }] of columns.entries()) {
    const width = widths[n] ?? 0;
    const least = right || whole ? width : Math.max(leastWidth, title.length);
    if (width > least && width > (widths[widest] ?? 0)) widest = n;
  }
  return widest;
}

function aligned(columns: readonly Column[], line: readonly string[], widths: readonly number[]): string {
  return line
    .map((text, n) => {
      const width = widths[n] ?? 0;
      return padded(shortened(text, width), width, columns[n]?.right);
    })
    .join(' '.repeat(gap))
    .trimEnd();
}

function fields(columns: readonly Column[], line: readonly string[]): string {
  return fieldLinesThatFit(columns.map(({ title }, n) => [title, line[n] ?? ''])).join('\n');
}
