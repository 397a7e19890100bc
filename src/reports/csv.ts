import type { JsonValue } from '../base/request.ts';

/** A value of a report; in CSV objects and lists are JSON texts. */
export type Cell = JsonValue;

/**
 * What a spreadsheet takes for the beginning of a formula, and runs (OWASP, "CSV Injection"; ASVS 5.0, 1.2.10, has NUL
 * besides). Such a text gets a `'` before it, which spreadsheets read as "this is text".
 */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const formula = /^[=+\-@\t\r\u0000]/;

/** A line of CSV with its line end (RFC 4180). Null is an empty field; numbers stay numbers. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(field).join(',')}\r\n`;
}

function field(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell);
  const plain = typeof cell === 'string' ? cell : JSON.stringify(cell);
  const text = formula.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
