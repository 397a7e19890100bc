import type { AuditQuery, EntryResponse } from './audit.ts';

/** An entry as it is stored. */
export interface Stored {
  /** Where it is: a cursor. */
  id: string;
  hash: string;
  text: string;
}

/** Whether a query asks for an entry. One that cannot be read is part of the whole trail only. */
export function passes(entry: EntryResponse, query: AuditQuery): boolean {
  const { team, actor, operation, fromMs, beforeMs } = query;
  if ('unreadable' in entry) return [team, actor, operation, fromMs, beforeMs].every(isUnasked);
  const atMs = Date.parse(entry.time);
  return (
    (team === undefined || team === entry.team) &&
    (actor === undefined || actor === entry.actor) &&
    (operation === undefined || operation === entry.operation) &&
    (fromMs === undefined || atMs >= fromMs) &&
    (beforeMs === undefined || atMs < beforeMs)
  );
}

function isUnasked(filter: string | number | undefined): boolean {
  return filter === undefined;
}
