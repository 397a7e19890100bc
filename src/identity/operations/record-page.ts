import type { RecordSource } from './record-source.ts';

/** Records of one read. */
const recordsPerRead = 500;
/** How many reads one page makes to find records that pass, before it returns a position to continue from. */
const readsPerPage = 10;
/** So many records can be sorted by a value. A team has fewer users and tokens than that; of teams there may be more. */
export const mostSorted = 20_000;

/** Where a page ended: the value that it is sorted by ('' if that is the id), and the id. */
export interface Position {
  value: string;
  id: string;
}

/** By what records are sorted besides their id. Values are compared as texts. */
export interface Order<R> {
  valuesOf: (records: readonly R[]) => readonly string[] | Promise<readonly string[]>;
  descending: boolean;
}

export interface PageQuery<R> {
  limit: number;
  /** Where the page before ended; null: the first page. */
  after: Position | null;
  /** Null: by id. */
  order: Order<R> | null;
  /** Null: all of them. */
  passes: ((record: R) => boolean) | null;
}

/** `next` is null after the last page. A page may be short, or empty, though more follow. */
export interface RecordPage<R> {
  data: R[];
  next: Position | null;
}

/**
 * A page of records. It goes by where the page before ended, not by how many there were: no record is told twice or left
 * out because others come and go. Null if there are too many to sort by a value.
 */
export function recordPage<R extends { id: string }>(
  source: RecordSource<R>,
  query: PageQuery<R>,
): Promise<RecordPage<R> | null> {
  return query.order === null ? pageById(source, query) : pageByValue(source, query, query.order);
}

/** Reads the ids, and of the records only those of the page, unless they have to pass. */
async function pageById<R extends { id: string }>(
  source: RecordSource<R>,
  { limit, after, passes }: PageQuery<R>,
): Promise<RecordPage<R>> {
  const all = await source.ids();
  const ids = (after === null ? all : all.filter((id) => id > after.id)).sort();
  const data: R[] = [];
  let at = 0;
  for (let reads = 0; reads < readsPerPage && at < ids.length; reads += 1) {
    const some = ids.slice(at, at + Math.min(recordsPerRead, passes ? recordsPerRead : limit - data.length));
    for (const record of await source.read(some)) {
      if (passes && !passes(record)) continue;
      data.push(record);
      if (data.length === limit)
        return { data, next: record.id === ids.at(-1) ? null : positionOf(record.id) };
    }
    at += some.length;
  }
  return { data, next: at < ids.length ? positionOf(ids[at - 1] ?? '') : null };
}

function positionOf(id: string): Position {
  return { value: '', id };
}

/** Looks at every record, some at a time, and keeps those that the page begins with. */
async function pageByValue<R extends { id: string }>(
  source: RecordSource<R>,
  { limit, after, passes }: PageQuery<R>,
  { valuesOf, descending }: Order<R>,
): Promise<RecordPage<R> | null> {
  const compare = descending ? byValueDescending : byValue;
  const ids = await source.ids();
  if (ids.length > mostSorted) return null;
  let first: Sorted<R>[] = [];
  let following = 0;
  for (let at = 0; at < ids.length; at += recordsPerRead) {
    const records = await source.read(ids.slice(at, at + recordsPerRead));
    const values = await valuesOf(records);
    const candidates = records
      .map((record, n): Sorted<R> => ({ record, id: record.id, value: values[n] ?? '' }))
      .filter((each) => (after === null || compare(each, after) > 0) && (passes?.(each.record) ?? true));
    following += candidates.length;
    first = [...first, ...candidates].sort(compare).slice(0, limit);
  }
  const last = first.at(-1);
  const next = last && following > limit ? { value: last.value, id: last.id } : null;
  return { data: first.map(({ record }) => record), next };
}

interface Sorted<R> extends Position {
  record: R;
}

function byValue(a: Position, b: Position): number {
  return compareTexts(a.value, b.value) || compareTexts(a.id, b.id);
}

function byValueDescending(a: Position, b: Position): number {
  return compareTexts(b.value, a.value) || compareTexts(a.id, b.id);
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
