import type { IdentityArchive } from '../identity/records/archive.ts';
import type { Log } from '../base/log.ts';
import { readCurrent } from './current.ts';
import { keyName, type BackupDocument, type Row } from './document.ts';
import { digestOf, digestsIn, planFile, rowsFromFile, type FilePlan, type Past } from './file-plan.ts';

const maxAttempts = 20;
/** How many rows a line of the log names. */
const maxNamed = 10;

export interface IdentityFileOptions {
  document: BackupDocument;
  archive: IdentityArchive;
  log: Log;
}

/**
 * Brings the document of IDENTITY_FILE into the store, as far as the store has never seen it; of several processes one
 * does, and says so. Twice is as once. Rejects with `StoreUnavailable`.
 */
export async function loadIdentityFile(options: IdentityFileOptions): Promise<void> {
  const { document, archive, log } = options;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const { store, seen } = await archive.provenance();
    const past = { digests: digestsIn(seen), isOrigin: store !== null && store === document.store };
    if (isOld(document, past)) return;
    const wasEmpty = seen === '' && (await archive.teams()).length === 0;
    const plan = planFile(document, await readCurrent(archive, rowsFromFile(document)), past);
    const { changes, created, revoked } = plan;
    const nothingNew = created.length + revoked.length === 0 && plan.seen === seen;
    if (!nothingNew && (await archive.commit({ changes, seen: { found: seen, next: plan.seen } })) !== 'done')
      continue;
    tell(plan, { document, log, wasEmpty });
    return;
  }
  log.error('IDENTITY_FILE was not loaded: the identities are being changed by others all the time');
}

/** Whether the store has seen all of it, and nothing in it says that a token is revoked. */
function isOld(document: BackupDocument, { digests }: Past): boolean {
  return rowsFromFile(document).every((row) => digests.has(digestOf(row)) && !isEnded(row));
}

function isEnded({ section, record }: Row): boolean {
  return section.endedBy !== null && record[section.endedBy] !== null;
}

interface Telling {
  document: BackupDocument;
  log: Log;
  wasEmpty: boolean;
}

function tell({ created, revoked, skipped }: FilePlan, { document, log, wasEmpty }: Telling): void {
  if (created.length > 0) {
    const liveTokens = created.filter((row) => row.key.kind === 'token' && !isEnded(row)).length;
    const message = wasEmpty
      ? 'the store was empty and has its identities from IDENTITY_FILE: what was revoked, deleted or narrowed after the file was written has come back. If the store lost its memory, look through the tokens and revoke again'
      : 'identities that the store did not know came from IDENTITY_FILE: what was revoked or narrowed elsewhere after the file was written may have come back';
    const fields = { added: created.length, live_tokens: liveTokens, exported_at: document.exportedAt };
    log.warn(message, fields);
  }
  if (revoked.length > 0) log.info('tokens were revoked as IDENTITY_FILE says', { rows: named(revoked) });
  if (skipped.length > 0) {
    const message =
      'IDENTITY_FILE: rows left out, since what they belong to was deleted here, or their secret is of another token';
    log.warn(message, { count: skipped.length, rows: named(skipped) });
  }
}

function named(rows: readonly Row[]): string {
  const some = rows.slice(0, maxNamed).map(({ key }) => keyName(key));
  return some.join(', ') + (rows.length > maxNamed ? ', …' : '');
}
