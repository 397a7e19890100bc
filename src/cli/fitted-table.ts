import type { JsonObject } from '../base/request.ts';
import type { Column } from './column.ts';
import { fieldLinesThatFit, maxWidth } from './field-list.ts';
import { padded, shortened, widthOf } from './text-width.ts';

const gap = 2;
const leastWidth = 8;

/**
 * Rows under titles within 80 columns: long texts are shortened, the longest first; where that is not enough, each row
 * is told a field a line. Ids and figures are never shortened, and what rows are named after not until two look alike.
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
  if (excess <= 0) return widths;
  const least = columns.map((column, n) =>
    leastWidthOf(
      column,
      lines.map((line) => line[n] ?? ''),
    ),
  );
  while (excess > 0) {
    const widest = widestText(least, widths);
    if (widest < 0) return null;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

/** How narrow a column can be. */
function leastWidthOf({ right, whole, apart, title }: Column, texts: readonly string[]): number {
  if (right === true || whole === true) return Infinity;
  const least = Math.max(leastWidth, title.length);
  if (apart !== true) return least;
  const sorted = [...new Set(texts)].sort();
  // Beyond what two have in common: a character, which may be wide, and the `…`.
  const shared = sorted.map((text, n) => widthOf(sharedStart(text, sorted[n - 1] ?? '')) + 3);
  return shared.reduce((most, width) => Math.max(most, width), least);
}

function sharedStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}

/** The widest column that can be narrower; -1 where none can. */
function widestText(least: readonly number[], widths: readonly number[]): number {
  let widest = -1;
  for (const [n, width] of widths.entries()) {
    if (width > (least[n] ?? 0) && width > (widths[widest] ?? 0)) widest = n;
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
