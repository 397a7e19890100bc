import { unacceptedModel, type EntryQuery, type LedgerEntry } from './entry.ts';

/** Whether an entry passes every filter of a query. Filters are plain text, compared whole. */
export function passes(entry: LedgerEntry, { filters, teams, admitted }: EntryQuery): boolean {
  return (
    (teams === undefined || teams.includes(entry.team)) &&
    (admitted === undefined || isWithin(admitted, Date.parse(entry.time))) &&
    is(filters.team, entry.team) &&
    is(filters.user, entry.user) &&
    is(filters.token, entry.token_id) &&
    is(filters.session, entry.session_id) &&
    is(filters.end_user, entry.end_user) &&
    is(filters.model, entry.model_accepted === false ? unacceptedModel : entry.model) &&
    is(filters.endpoint, entry.endpoint) &&
    is(filters.outcome, entry.outcome)
  );
}

function isWithin(
  { fromMs = -Infinity, beforeMs = Infinity }: NonNullable<EntryQuery['admitted']>,
  atMs: number,
): boolean {
  return atMs >= fromMs && atMs < beforeMs;
}

function is(wanted: string | undefined, value: string | null): boolean {
  return wanted === undefined || wanted === value;
}
