import type { JsonObject } from '../base/request.ts';
import { allowed, plain } from './cells.ts';
import { padded, shortened, widthOf, wrapped } from './text-width.ts';

/** A column of a table. */
export interface Column {
  title: string;
  cell: (row: JsonObject) => string;
  /** Figures: aligned right, never shortened. */
  right?: boolean;
  /** An id that people copy: never shortened. */
  whole?: boolean;
  /** Left out if no row has anything in it, or 0 in all of them. */
  optional?: boolean;
  /** Names the row: shortened only as long as no two rows look alike. */
  apart?: boolean;
}

/** The width of a terminal by default. */
export const defaultWidth = 80;
const gap = 2;
const leastWidth = 8;

/** A record, one field a line. Words are never broken, so that a token or a link can be copied. */
export function fieldList(record: JsonObject, maxWidth = defaultWidth): string {
  const fields = Object.entries(record).map(([key, value]) => [plain(key), allowed(key, value)] as const);
  return fieldLines(fields, maxWidth).join('\n');
}

/** Names with their texts beside them, wrapped. */
function fieldLines(fields: readonly (readonly [name: string, text: string])[], maxWidth: number): string[] {
  const indent = Math.max(...fields.map(([name]) => widthOf(name))) + 2;
  return fields.flatMap(([name, text]) =>
    wrapped(text, maxWidth - indent).map((line, n) => padded(n === 0 ? name : '', indent) + line),
  );
}

/**
 * Rows under titles within the width of a terminal. Long texts are shortened, the longest first; if that is not enough, each row is
 * printed one field a line. Ids and figures are never shortened, and a row's name only while no two look alike.
 */
export function fittedTable(
  all: readonly Column[],
  rows: readonly JsonObject[],
  maxWidth = defaultWidth,
): string {
  if (rows.length === 0) return 'None.';
  const columns = all.filter(
    ({ optional, right, cell }) => !optional || rows.some((row) => !isNothing(cell(row), right)),
  );
  const lines = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = fittedWidths(columns, lines, maxWidth);
  if (widths === null) return lines.map((line) => asFields(columns, line, maxWidth)).join('\n\n');
  return [columns.map(({ title }) => title), ...lines]
    .map((line) => aligned(columns, line, widths))
    .join('\n');
}

function isNothing(text: string, isFigure = false): boolean {
  return text === '' || text === '-' || text === 'none' || (isFigure && text === '0');
}

/** The width of each column; null if they cannot be narrow enough. */
function fittedWidths(
  columns: readonly Column[],
  lines: readonly string[][],
  maxWidth: number,
): number[] | null {
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

/** The least width of a column. */
function leastWidthOf({ right, whole, apart, title }: Column, texts: readonly string[]): number {
  if (right === true || whole === true) return Infinity;
  const least = Math.max(leastWidth, title.length);
  if (apart !== true) return least;
  const sorted = [...new Set(texts)].sort();
  // After the shared start: one character, which may be wide, and the `…`.
  const shared = sorted.map((text, n) => widthOf(sharedStart(text, sorted[n - 1] ?? '')) + 3);
  return shared.reduce((most, width) => Math.max(most, width), least);
}

function sharedStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}

/** The widest column that can be narrower; -1 if none can. */
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

/** A row, one field a line. A word that is still too wide is cut off. */
function asFields(columns: readonly Column[], line: readonly string[], maxWidth: number): string {
  return fieldLines(
    columns.map(({ title }, n) => [title, line[n] ?? '']),
    maxWidth,
  )
    .map((text) => shortened(text, maxWidth))
    .join('\n');
}
