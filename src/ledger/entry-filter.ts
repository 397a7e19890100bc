import type { EntryQuery, LedgerEntry } from '../core/entry.ts';

/** Whether an entry passes every filter of a query. Filters are plain text, compared whole. */
export function passes(entry: LedgerEntry, { filters, teams }: EntryQuery): boolean {
  return (
    (teams === undefined || teams.includes(entry.team)) &&
    is(filters.team, entry.team) &&
    is(filters.user, entry.user) &&
    is(filters.token, entry.token_id) &&
    is(filters.session, entry.session_id) &&
    is(filters.end_user, entry.end_user) &&
    is(filters.model, entry.model) &&
    is(filters.endpoint, entry.endpoint) &&
    is(filters.outcome, entry.outcome)
  );
}

function is(wanted: string | undefined, value: string | null): boolean {
  return wanted === undefined || wanted === value;
}
