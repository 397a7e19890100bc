import type { StreamName } from './checkpoint.ts';
import type { Queries } from './database.ts';
import type { Lock } from './partitions.ts';
import type { Element } from './drained-store.ts';

/** A stream of the store, and how its elements get into Postgres. */
export interface DrainedStream {
  readonly name: StreamName;
  /** Makes what must be there before elements can be inserted, in a transaction of its own that `lock` guards. */
  prepare?(elements: readonly Element[], lock: Lock): Promise<void>;
  /**
   * Inserts elements in the transaction of a drain, each at most once, with the sums of what was really inserted. Returns
   * how many cannot be read as what they should be.
   */
  insert(queries: Queries, elements: readonly Element[]): Promise<number>;
}

/** The value of a field, as Postgres takes it; undefined if the element lacks it. */
export function fieldOf({ fields }: Element, name: string): string | undefined {
  const at = fields.findIndex((field, n) => n % 2 === 0 && field === name);
  return at < 0 ? undefined : storable(fields[at + 1] ?? '');
}

/** A text as Postgres takes it: it has no zero characters, and no halves of others. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', ' ');
}

/** What an index takes together, with room to spare: 2,704 bytes (Postgres, "B-Tree Indexes"). */
const maxKeyBytes = 2_000;

/** Whether texts are short enough for the key of a row. What a gateway has written is. */
export function fitsKey(texts: readonly (string | null)[]): boolean {
  let bytes = 0;
  for (const text of texts) bytes += Buffer.byteLength(text ?? '');
  return bytes <= maxKeyBytes;
}

/** No figure is larger: the sum of many must fit as well. */
export const maxFigure = 1_000_000_000_000_000;

/** A whole number of a figure's size. */
export function isFigure(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number <= maxFigure;
}

/** The end of the year 9999: later times have another form. */
export const latestMs = Date.UTC(10_000, 0) - 1;
