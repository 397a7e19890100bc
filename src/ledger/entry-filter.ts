import type { EntryQuery, LedgerEntry } from '../core/entry.ts';

/** Whether an entry passes every filter of a query. Filters are plain text, compared whole. */
export function passes(entry: LedgerEntry, { filters }: EntryQuery): boolean {
  return (
    is(filters.team, entry.team) &&
    is(filters.user, entry.user) &&
    is(filters.token, entry.token_id) &&
    is(filters.model, entry.model) &&
    is(filters.endpoint, entry.endpoint) &&
    is(filters.outcome, entry.outcome)
  );
}

function is(wanted: string | undefined, value: string): boolean {
  return wanted === undefined || wanted === value;
}
