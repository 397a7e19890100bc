import { hash } from 'node:crypto';
import type { RecordChange } from '../identity/records/archive.ts';
import type { Current } from './current.ts';
import { keyName, type BackupDocument, type Row } from './document.ts';
import { planRow } from './plan.ts';
import { FieldHolders } from './unshared-fields.ts';

/** Characters of a digest: 72 bits of SHA-256. */
const digestLength = 12;
/** How many records are remembered as seen. The oldest ones that are not in the current document are dropped first. */
const maxRemembered = 100_000;

/** What a file changes in the store. */
export interface FilePlan {
  changes: RecordChange[];
  /** Rows the store did not know. */
  created: Row[];
  /** Tokens that the file says are revoked. */
  revoked: Row[];
  /** Rows that cannot be added: their team or user was deleted here, or another has their secret, address or account. */
  skipped: Row[];
  /** The digests remembered from now on. */
  seen: string;
}

/** Digests of records, as the store keeps them. */
export function digestsIn(seen: string): Set<string> {
  const digests = new Set<string>();
  for (let at = 0; at < seen.length; at += digestLength) digests.add(seen.slice(at, at + digestLength));
  return digests;
}

export function digestOf({ key }: Row): string {
  return hash('sha256', keyName(key), 'base64url').slice(0, digestLength);
}

/** What the store remembers about its past. */
export interface Past {
  digests: ReadonlySet<string>;
  /** Whether the file was exported from this store, and the store has lost nothing since. */
  isOrigin: boolean;
}

/** Whether the store has had this record, even if it was deleted meanwhile. */
function wasSeen(row: Row, { digests, isOrigin }: Past, exportedAt: string): boolean {
  if (digests.has(digestOf(row))) return true;
  const createdAt = row.record['created_at'];
  return isOrigin && typeof createdAt === 'string' && Date.parse(createdAt) <= Date.parse(exportedAt);
}

/**
 * Adds what the store has never seen. What the store has stays, except that a revocation in the file takes effect.
 * What the store had and has no longer was deleted, and stays deleted. Pure.
 */
export function planFile(
  document: BackupDocument,
  current: Pick<Current, 'records' | 'taken'>,
  past: Past,
): FilePlan {
  const rows = rowsFromFile(document);
  const plan: FilePlan = { changes: [], created: [], revoked: [], skipped: [], seen: '' };
  const there = new Set(current.records.keys());
  const holders = new FieldHolders(current.records);
  for (const row of rows) {
    const name = keyName(row.key);
    const found = current.records.get(name) ?? null;
    if (found === null && wasSeen(row, past, document.exportedAt)) continue;
    const isOrphan = row.section
      .parentsOf(row.record, row.secrets)
      .some((parent) => !there.has(keyName(parent)));
    if (found === null && (isOrphan || current.taken.has(row) || holders.give(row, null) !== null)) {
      plan.skipped.push(row);
      continue;
    }
    const { fate, change } = planRow(row, found, false);
    if (fate === 'created') plan.created.push(row);
    if (fate === 'revoked') plan.revoked.push(row);
    plan.changes.push(change);
    there.add(name);
  }
  plan.seen = remembered(past.digests, rows.map(digestOf));
  return plan;
}

/** The rows that a file may add: not administrators. */
export function rowsFromFile({ rows }: BackupDocument): Row[] {
  return rows.filter(({ section }) => section.fromFile);
}

/** The digests to remember once an import has added these rows. Pure. */
export function seenWith(seen: string, rows: readonly Row[]): string {
  return remembered(digestsIn(seen), rows.filter(({ section }) => section.fromFile).map(digestOf));
}

/** The remembered digests and those of a document, at most `maxRemembered`; the same text if none is new. */
function remembered(before: ReadonlySet<string>, now: readonly string[]): string {
  const inDocument = new Set(now);
  const all = [...before, ...now.filter((digest) => !before.has(digest))];
  const gone = all.length - maxRemembered;
  if (gone <= 0) return all.join('');
  const droppable = new Set(all.filter((digest) => !inDocument.has(digest)).slice(0, gone));
  return all.filter((digest) => !droppable.has(digest)).join('');
}
