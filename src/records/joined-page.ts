import type { Page } from '../ledger/ledger.ts';
import { compareIds } from './checkpoint.ts';
import type { Element } from './drained-store.ts';
import type { StreamTail } from './stream-tail.ts';

/** A row with the id of its element in the store's stream, which is a cursor. */
export interface PlacedRow<Row> {
  cursor: string;
  row: Row;
}

interface Sources<Row> {
  /** Rows that Postgres has after the cursor, newest first: as many as a page may have. */
  recorded: readonly PlacedRow<Row>[];
  /** The stream, and the element up to which it is drained. */
  elements: StreamTail;
  after: string;
  /** The row of an element; null if it has none, or one that is not asked for. */
  rowOf: (element: Element) => Row | null;
  /** How many elements that are not drained one call looks through before it returns a cursor to continue from. */
  maxElements: number;
}

/** A page, newest first: what is not drained comes before what is. Rejects with `StoreUnavailable`. */
export async function joinedPage<Row>(
  { cursor, limit }: { cursor: string | null; limit: number },
  sources: Sources<Row>,
): Promise<Page<Row>> {
  const undrained = await undrainedRows({ cursor, limit }, sources);
  if (undrained.isPage) return { data: undrained.rows, next_cursor: undrained.cursor };
  const recorded = sources.recorded.slice(0, limit - undrained.rows.length);
  const data = [...undrained.rows, ...recorded.map(({ row }) => row)];
  return { data, next_cursor: data.length === limit ? (recorded.at(-1)?.cursor ?? null) : null };
}

/** Rows that are not drained; `isPage` if the page ends with them. */
async function undrainedRows<Row>(
  { cursor, limit }: { cursor: string | null; limit: number },
  { elements, after, rowOf, maxElements }: Sources<Row>,
): Promise<{ rows: Row[]; cursor: string | null; isPage: boolean }> {
  const rows: Row[] = [];
  if (cursor !== null && compareIds(cursor, after) <= 0) return { rows, cursor, isPage: false };
  let seen = 0;
  for await (const page of elements.newestFirst(after, cursor)) {
    for (const element of page) {
      const row = rowOf(element);
      if (row === null) continue;
      rows.push(row);
      if (rows.length === limit) return { rows, cursor: element.id, isPage: true };
    }
    seen += page.length;
    if (seen >= maxElements) return { rows, cursor: page.at(-1)?.id ?? cursor, isPage: true };
  }
  return { rows, cursor, isPage: false };
}
