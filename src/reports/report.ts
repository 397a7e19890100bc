import type { JsonValue } from '../base/request.ts';
import { type Format, mediaTypes } from './formats.ts';
import { type StreamEnds, streamOf } from './row-stream.ts';

/** A row of a report. In CSV, objects and lists are written as JSON. */
export type Row = Readonly<Record<string, JsonValue>>;

/** A report of any number of rows. */
export interface Report {
  /** The name of the file it is saved as; letters, digits and - only. */
  name: string;
  /** The fields that every row has, in this order. */
  columns: readonly string[];
  pages: AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>;
  /** Whether CSV begins with a byte order mark. */
  bom?: boolean;
  /** Additional headers of the reply. */
  headers?: Readonly<Record<string, string>>;
}

/** How a format is written: each part is a text. */
interface Shape {
  head: string;
  row: (row: Row) => string;
  between: string;
  tail: string;
}

const rowsPerChunk = 1_000;

/**
 * A report as a reply that is sent while it is being read. Rejects if the first page cannot be read. If a later page
 * cannot be read, the connection is cut (`ends.cut`), so that the reply does not look complete.
 */
export async function streamedReport(
  report: Report,
  format: Format,
  ends: StreamEnds,
): Promise<{ stream: ReadableStream<Uint8Array>; headers: Record<string, string> }> {
  const { name, columns, pages, bom = false, headers = {} } = report;
  const stream = await streamOf(written(pages, shapeOf(format, columns, bom)), ends);
  const contentType =
    format === 'csv' ? `${mediaTypes.csv}; charset=utf-8; header=present` : mediaTypes[format];
  const file = { 'content-disposition': `attachment; filename="${name}.csv"` };
  return {
    stream,
    headers: { 'content-type': contentType, ...(format === 'csv' ? file : {}), ...headers },
  };
}

function shapeOf(format: Format, columns: readonly string[], bom: boolean): Shape {
  const ordered = (row: Row): JsonValue[] => columns.map((column) => row[column] ?? null);
  switch (format) {
    case 'csv':
      return {
        head: (bom ? '\uFEFF' : '') + csvLine(columns),
        row: (row) => csvLine(ordered(row)),
        between: '',
        tail: '',
      };
    case 'ndjson':
      return { head: '', row: (row) => `${JSON.stringify(row)}\n`, between: '', tail: '' };
    case 'json':
      return { head: '{"data":[', row: (row) => JSON.stringify(row), between: ',', tail: ']}' };
  }
}

/** A text for every page, even an empty one, so that the reader can stop between two. */
async function* written(pages: Report['pages'], shape: Shape): AsyncGenerator<string> {
  let before = shape.head;
  let separator = '';
  for await (const page of pages) {
    for (let at = 0; at === 0 || at < page.length; at += rowsPerChunk) {
      let text = before;
      before = '';
      for (const row of page.slice(at, at + rowsPerChunk)) {
        text += separator + shape.row(row);
        separator = shape.between;
      }
      yield text;
    }
  }
  yield before + shape.tail;
}

/**
 * Spreadsheets run such a text as a formula (OWASP, "CSV Injection"; ASVS 5.0, 1.2.10, adds NUL): one that begins with a
 * tab, a line end or NUL, or, after any blanks, with one of `=+-@` or a wide form of these, which some take for them. It
 * gets a `'` before it, which marks it as text.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const formula = /^(?:[\t\r\n\u0000]|[\s\p{Z}\p{Cc}\p{Cf}]*[=+\-@＝＋－＠﹦﹢﹣﹫])/u;

/** A line of CSV with its line end (RFC 4180). Null is an empty field; numbers stay numbers. */
export function csvLine(cells: readonly JsonValue[]): string {
  return `${cells.map(csvField).join(',')}\r\n`;
}

function csvField(cell: JsonValue): string {
  if (cell === null) return '';
  if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell);
  const plain = typeof cell === 'string' ? cell : JSON.stringify(cell);
  const text = formula.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
