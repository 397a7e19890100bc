import type { Cell } from './csv.ts';

export type Row = Readonly<Record<string, Cell>>;

/** Rows on their way to a caller, however many. */
export interface Report {
  /** Of the file it is saved as; letters, digits and - only. */
  name: string;
  /** What every row has, in this order. */
  columns: readonly string[];
  pages: AsyncIterable<readonly Row[]>;
  /** Said beside it. */
  headers?: Readonly<Record<string, string>>;
}
