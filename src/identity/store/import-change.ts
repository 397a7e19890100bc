import type { ArchiveKey, RecordChange } from '../records/archive.ts';
import { changeOf, type Change } from '../../audit/audit.ts';

/** A change of many records, for the trail; null where none of them changes. */
export function importChange(changes: readonly RecordChange[]): Change | null {
  const records = changes.flatMap(({ key, found, next }) =>
    next === null ? [] : [changeOf(placeOf(key), found?.text ?? null, next.text)],
  );
  if (records.length === 0) return null;
  return { kind: 'import', team: null, id: null, before: null, after: null, records };
}

function placeOf(key: ArchiveKey): Pick<Change, 'kind' | 'team' | 'id'> {
  switch (key.kind) {
    case 'settings':
      return { kind: key.kind, team: null, id: null };
    case 'administrator':
      return { kind: key.kind, team: null, id: key.id };
    case 'team':
      return { kind: key.kind, team: key.team, id: key.team };
    case 'user':
    case 'token':
      return { kind: key.kind, team: key.team, id: key.id };
  }
}
