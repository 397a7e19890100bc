import { dayMs } from '../base/days.ts';

/*
 * Entries are kept in partitions, one for each UTC month, so that old ones are dropped whole. Their bounds are written with
 * their zone: a server that stands in another one must not drop the wrong day.
 */

/** A month's partition of the entries. */
export interface Month {
  readonly table: string;
  /** RFC 3339 UTC. */
  readonly from: string;
  readonly to: string;
}

/** The month of a moment, and those after it. */
export function monthOf(atMs: number, later = 0): Month {
  const date = new Date(atMs);
  const startOf = (months: number): Date =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months));
  const from = startOf(later).toISOString();
  const to = startOf(later + 1).toISOString();
  return { table: `entries_${from.slice(0, 7).replace('-', '_')}`, from, to };
}

/** How many months beyond this one have a partition already. */
const ahead = 2;

/** The months that must be there now. */
export function monthsAhead(nowMs: number): Month[] {
  return Array.from({ length: ahead + 1 }, (_, later) => monthOf(nowMs, later));
}

/** Of these partitions those that ended at least so many days ago. */
export function monthsOver(tables: readonly string[], nowMs: number, retentionDays: number): string[] {
  const oldestMs = nowMs - retentionDays * dayMs;
  return tables.filter((table) => {
    const [, year, month] = /^entries_(\d{4})_(\d{2})$/.exec(table) ?? [];
    return year !== undefined && Date.UTC(Number(year), Number(month)) <= oldestMs;
  });
}
