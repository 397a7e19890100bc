import { hasTags, type Tags } from '../base/tags.ts';
import { countedModel, type EntryRecord, type LedgerEntry } from './entry.ts';
import type { GroupingsQuery } from './day-sums.ts';
import type { RefusalGroup, RefusalQuery, RefusalRow } from './refusal-count.ts';
import type { UsageGroup, UsageQuery, UsageRow } from './totals.ts';

/** What reports read. Methods reject with `StoreUnavailable`. */
export interface Ledger {
  /** The most days that a query of sums may span. */
  readonly maxDays: number;
  /** What was used in a range of days. */
  usage(query: UsageQuery): Promise<UsageRow[]>;
  /** The same in several groupings, in their order. The days are read once. */
  groupedUsage(query: GroupingsQuery<UsageGroup>): Promise<UsageRow[][]>;
  /** How many requests were refused in a range of days. */
  refusals(query: RefusalQuery): Promise<RefusalRow[]>;
  /** The same in several groupings, in their order. The days are read once. */
  groupedRefusals(query: GroupingsQuery<RefusalGroup>): Promise<RefusalRow[][]>;
  /**
   * Last closed first. A page may be short or empty although there are more entries: then `next_cursor` is not null.
   */
  entries(query: EntryQuery): Promise<Page<LedgerEntry>>;
}

/** A part of a list, and where the next one begins; null: it was the last. */
export interface Page<Row> {
  data: Row[];
  next_cursor: string | null;
}

/**
 * An entry's stream id is the time when it was closed, so it is after the admission, unless the clock was set back: by less
 * than this.
 */
export const clockSlackMs = 3_600_000;

export interface EntryQuery {
  /** Exact values. The model is the one that the totals count the request under. */
  filters: Partial<
    Record<'team' | 'user' | 'token' | 'session' | 'end_user' | 'model' | 'endpoint' | 'outcome', string>
  >;
  /** Tags that it must have. */
  tags?: Tags;
  /** When it was admitted, ms since the epoch. */
  admitted?: { fromMs?: number | undefined; beforeMs?: number | undefined };
  limit: number;
  /** `next_cursor` of the previous page; null for the first page. */
  cursor: string | null;
  /** Only these teams, in addition to the filters; absent: all. */
  teams?: readonly string[];
}

/** Whether an entry passes every filter of a query. */
export function passes(entry: EntryRecord, { filters, tags, teams, admitted }: EntryQuery): boolean {
  const { fromMs = -Infinity, beforeMs = Infinity } = admitted ?? {};
  return (
    (teams === undefined || teams.includes(entry.team)) &&
    entry.admittedAtMs >= fromMs &&
    entry.admittedAtMs < beforeMs &&
    matches(filters.team, entry.team) &&
    matches(filters.user, entry.user) &&
    matches(filters.token, entry.token_id) &&
    matches(filters.session, entry.session_id) &&
    matches(filters.end_user, entry.end_user) &&
    (tags === undefined || hasTags(entry.tags, tags)) &&
    matches(filters.model, countedModel(entry)) &&
    matches(filters.endpoint, entry.endpoint) &&
    matches(filters.outcome, entry.outcome)
  );
}

function matches(wanted: string | undefined, value: string | null): boolean {
  return wanted === undefined || wanted === value;
}
