import { isDeepStrictEqual } from 'node:util';
import type { RecordChange, StoredRecord } from '../identity/records/archive.ts';
import type { JsonObject } from '../base/request.ts';
import { withoutNulls } from '../audit/audited-change.ts';
import type { Row } from './document.ts';

/** What happens to a row of a document. */
export const fates = ['created', 'unchanged', 'kept', 'overwritten', 'revoked'] as const;
export type Fate = (typeof fates)[number];

interface Planned {
  fate: Fate;
  change: RecordChange;
}

/**
 * What a row changes in the store. A revocation wins on either side, and a record that the store has as revoked is not
 * changed at all. Otherwise the store's record wins, or the document's with `overwrite`. Pure.
 */
export function planRow(row: Row, found: StoredRecord | null, overwrite: boolean): Planned {
  const planned = (fate: Fate, next: StoredRecord | null = null): Planned => {
    return { fate, change: { key: row.key, found, next } };
  };
  const stored = found && (JSON.parse(found.text) as JsonObject); // the store's texts are this program's own
  const record = row.section.completed(row.record, stored);
  const own = { text: JSON.stringify(record), secrets: row.secrets };
  if (found === null || stored === null) return planned('created', own);
  if (isSame({ ...row, record }, stored, found.secrets)) return planned('unchanged');
  if (isEnded(row, stored, found)) return planned('kept');
  const endedAt = endOf(row, row.record);
  if (overwrite) return planned(endedAt === null ? 'overwritten' : 'revoked', own);
  if (endedAt === null) return planned('kept');
  const ended = { ...stored, ...endingOf(row) };
  return planned('revoked', { text: JSON.stringify(ended), secrets: found.secrets });
}

/** An absent field means the same as null; the order of fields does not matter. */
function isSame({ record, secrets }: Row, stored: JsonObject, storedSecrets: readonly string[]): boolean {
  return (
    isDeepStrictEqual(withoutNulls(record), withoutNulls(stored)) &&
    isDeepStrictEqual(secrets.toSorted(), storedSecrets.toSorted())
  );
}

/** Whether the store has it as ended: revoked, or without a secret because its user was deleted. */
function isEnded(row: Row, stored: JsonObject, { secrets }: StoredRecord): boolean {
  if (endOf(row, stored) !== null) return true;
  return row.section.hasSecrets && secrets.length === 0 && row.secrets.length > 0;
}

/** The fields of a row that say when it ended, and why. */
function endingOf({ section: { endedBy, endedBecause }, record }: Row): JsonObject {
  const isPart = (name: string): boolean => name === endedBy || name === endedBecause;
  return Object.fromEntries(Object.entries(record).filter(([name]) => isPart(name)));
}

function endOf({ section: { endedBy } }: Row, record: JsonObject): string | null {
  const at = endedBy === null ? null : record[endedBy];
  return typeof at === 'string' ? at : null;
}
