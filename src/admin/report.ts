import { type Cell, csvLine } from '../reports/csv.ts';
import { type Format, mediaTypes } from '../reports/formats.ts';
import type { Report, Row } from '../reports/report.ts';
import type { Reply } from './respond.ts';
import { streamOf } from '../reports/row-stream.ts';

/** How a format is written: each part a text. */
interface Shape {
  head: string;
  row: (row: Row) => string;
  between: string;
  tail: string;
}

const rowsPerChunk = 1_000;

/**
 * A report as a reply that is written while it is read. Rejects where its first page cannot be read; what fails later
 * ends the reply so that it cannot be taken for whole. `cut` does that to the connection, where there is one.
 */
export async function replyWithReport(
  report: Report,
  format: Format,
  ends: { left: AbortController; failed: (error: unknown) => void; cut: (() => void) | null },
): Promise<Reply> {
  const { name, columns, pages, headers = {} } = report;
  const stream = await streamOf(written(pages, shapeOf(format, columns)), ends);
  const contentType =
    format === 'csv' ? `${mediaTypes.csv}; charset=utf-8; header=present` : mediaTypes[format];
  const file = { 'content-disposition': `attachment; filename="${name}.csv"` };
  return {
    stream,
    headers: { 'content-type': contentType, ...(format === 'csv' ? file : {}), ...headers },
  };
}

function shapeOf(format: Format, columns: readonly string[]): Shape {
  const ordered = (row: Row): Cell[] => columns.map((column) => row[column] ?? null);
  switch (format) {
    case 'csv':
      return { head: csvLine(columns), row: (row) => csvLine(ordered(row)), between: '', tail: '' };
    case 'ndjson':
      return { head: '', row: (row) => `${JSON.stringify(row)}\n`, between: '', tail: '' };
    case 'json':
      return { head: '{"data":[', row: (row) => JSON.stringify(row), between: ',', tail: ']}' };
  }
}

/** A text for every page, be it empty, so that whoever reads can stop between two. */
async function* written(pages: AsyncIterable<readonly Row[]>, shape: Shape): AsyncGenerator<string> {
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
