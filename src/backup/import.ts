import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordChange } from '../identity/records/archive.ts';
import type { IdentityArchive } from '../identity/store/identity-archive.ts';
import { invalidBody, Refusal } from '../base/refusal.ts';
import { readCurrent } from './current.ts';
import { keyName, type BackupDocument, type Row } from './document.ts';
import { seenWith } from './file-plan.ts';
import { epochsOfUsers, sharedFields } from './unshared-fields.ts';
import { fates, planRow, type Fate } from './plan.ts';

/** How many rows had which fate. */
export type ImportReport = Record<Fate, number>;

export interface ImportOptions {
  archive: IdentityArchive;
  /** Whether the document wins over a record of the store that differs. */
  overwrite: boolean;
}

/** A document up to this size is one change; a larger one is one change a team, in the order of the document. */
const maxAtOnceBytes = 8_388_608;
const maxAttempts = 20;
const rowsATurn = 1_000;

/**
 * Brings a document into the store, all of it or nothing up to `maxAtOnceBytes`. Doing it again changes nothing. A
 * refusal, with nothing changed, if another token in the store has a secret, or another user an address or an account.
 * Rejects with `StoreUnavailable`.
 */
export async function importDocument(
  document: BackupDocument,
  options: ImportOptions,
): Promise<ImportReport | Refusal> {
  const parts = partsOf(document);
  if (parts.length > 1) {
    const planned = await plan(document.rows, options);
    if (planned instanceof Refusal) return planned;
  }
  const report = emptyReport();
  for (const rows of parts) {
    const done = await importRows(rows, options);
    if (done instanceof Refusal) return done;
    for (const fate of fates) report[fate] += done[fate];
  }
  return report;
}

/** Makes one change. Plans it again if somebody else changed the store in between. */
async function importRows(rows: readonly Row[], options: ImportOptions): Promise<ImportReport | Refusal> {
  const { archive } = options;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const { seen } = await archive.provenance();
    const planned = await plan(rows, options);
    if (planned instanceof Refusal) return planned;
    const { report, changes, epochs } = planned;
    // Remembered, so that records deleted later do not come back when IDENTITY_FILE has the same document.
    const next = seenWith(seen, rows);
    const isUnchanged = next === seen && changes.every((change) => change.next === null);
    if (isUnchanged || (await archive.commit({ changes, epochs, seen: { found: seen, next } })) === 'done')
      return report;
  }
  const message = 'The identities are being changed by others at this moment. Try again.';
  return new Refusal('overloaded', message, { headers: { 'retry-after': '1' } });
}

interface Plan {
  report: ImportReport;
  changes: RecordChange[];
  /** Of the teams whose users change, as they were read. */
  epochs: ReadonlyMap<string, string>;
}

async function plan(rows: readonly Row[], { archive, overwrite }: ImportOptions): Promise<Plan | Refusal> {
  const { records, epochs, taken } = await readCurrent(archive, rows);
  const report = emptyReport();
  const planned: { row: Row; change: RecordChange }[] = [];
  for (const row of rows) {
    const { fate, change } = planRow(row, records.get(keyName(row.key)) ?? null, overwrite);
    report[fate] += 1;
    planned.push({ row, change });
    if (planned.length % rowsATurn === 0) await nextTurn();
  }
  const problems = [...taken.values(), ...sharedFields(planned, records)];
  if (problems.length > 0) return invalidBody(problems, 'already_exists');
  const changes = planned.map(({ change }) => change);
  return { report, changes, epochs: epochsOfUsers(changes, epochs) };
}

function partsOf({ rows, bytes }: BackupDocument): Row[][] {
  return bytes <= maxAtOnceBytes ? [rows] : [...Map.groupBy(rows, ({ key }) => key.team).values()];
}

function emptyReport(): ImportReport {
  return { created: 0, unchanged: 0, kept: 0, overwritten: 0, revoked: 0 };
}
