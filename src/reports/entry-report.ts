import type { LedgerEntry } from '../ledger/entry.ts';
import type { Report, Row } from './report.ts';

/** The columns of an entry: every field there is. */
export const entryColumns = [
  'id',
  'request_id',
  'time',
  'team',
  'user',
  'token_id',
  'session_id',
  'end_user',
  'endpoint',
  'model',
  'model_requested',
  'model_accepted',
  'status',
  'outcome',
  'error_code',
  'input_tokens',
  'output_tokens',
  'images',
  'search_units',
  'cost_usd',
  'usage',
  'stream',
  'duration_ms',
  'ttfb_ms',
] as const satisfies readonly (keyof LedgerEntry)[];

/** An entry as it is shown, in every format. */
export function entryShown(entry: LedgerEntry): LedgerEntry {
  return {
    ...entry,
    model_requested: entry.model_requested ?? null,
    model_accepted: entry.model_accepted ?? true,
  };
}

/** Entries as a report. */
export function entryReport(pages: AsyncIterable<LedgerEntry[]> | Iterable<LedgerEntry[]>): Report {
  return { name: 'tollgate-requests', columns: entryColumns, pages: rowsOf(pages) };
}

async function* rowsOf(pages: AsyncIterable<LedgerEntry[]> | Iterable<LedgerEntry[]>): AsyncGenerator<Row[]> {
  for await (const page of pages) yield page.map((entry) => ({ ...entryShown(entry) }));
}
