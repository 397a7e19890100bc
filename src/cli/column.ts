import type { JsonObject } from '../base/request.ts';

/** A column of a table. */
export interface Column {
  title: string;
  cell: (row: JsonObject) => string;
  /** Figures stand to the right, and are never shortened. */
  right?: boolean;
  /** An id, to be copied: never shortened. */
  whole?: boolean;
  /** What rows are named after: shortened only as far as no two look alike. */
  apart?: boolean;
}
