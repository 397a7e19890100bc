import { countedModel, type EntryRecord } from './entry.ts';

export interface EntryQuery {
  /** Exact values. The model is the one that the totals count the request under. */
  filters: Partial<
    Record<'team' | 'user' | 'token' | 'session' | 'end_user' | 'model' | 'endpoint' | 'outcome', string>
  >;
  /** When it was admitted, ms since the epoch. */
  admitted?: { fromMs?: number | undefined; beforeMs?: number | undefined };
  limit: number;
  /** `next_cursor` of the previous page; null for the first page. */
  cursor: string | null;
  /** Only these teams, in addition to the filters; absent: all. */
  teams?: readonly string[];
}

/** Whether an entry passes every filter of a query. */
export function passes(entry: EntryRecord, { filters, teams, admitted }: EntryQuery): boolean {
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
    matches(filters.model, countedModel(entry)) &&
    matches(filters.endpoint, entry.endpoint) &&
    matches(filters.outcome, entry.outcome)
  );
}

function matches(wanted: string | undefined, value: string | null): boolean {
  return wanted === undefined || wanted === value;
}
