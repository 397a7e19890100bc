import type { IdentityArchive } from '../identity/store/identity-archive.ts';
import type { Log } from '../base/log.ts';
import { Refusal } from '../base/refusal.ts';
import { readTextFile } from '../config/text-file.ts';
import { readCurrent } from './current.ts';
import { keyName, maxDocumentBytes, type BackupDocument, type Row } from './document.ts';
import { digestOf, digestsIn, planFile, rowsFromFile, type FilePlan, type Past } from './file-plan.ts';
import { readDocument } from './read-document.ts';
import { epochsOfUsers } from './unshared-fields.ts';

const maxAttempts = 20;
/** A log line names at most this many rows. */
const maxNamed = 10;

interface IdentityFileOptions {
  document: BackupDocument;
  archive: IdentityArchive;
  log: Log;
}

/**
 * Adds the records of IDENTITY_FILE that the store has never seen. Doing it again changes nothing, and only one of
 * several processes does and logs it. Rejects with `StoreUnavailable`.
 */
export async function loadIdentityFile(options: IdentityFileOptions): Promise<void> {
  const { document, archive, log } = options;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const { store, seen } = await archive.provenance();
    const past = { digests: digestsIn(seen), isOrigin: store !== null && store === document.store };
    if (isOld(document, past)) return;
    const wasEmpty = seen === '' && (await archive.teams()).length === 0;
    const current = await readCurrent(archive, rowsFromFile(document));
    const plan = planFile(document, current, past);
    const { changes, created, revoked } = plan;
    const epochs = epochsOfUsers(changes, current.epochs);
    const nothingNew = created.length + revoked.length === 0 && plan.seen === seen;
    if (
      !nothingNew &&
      (await archive.commit({ changes, epochs, seen: { found: seen, next: plan.seen } })) !== 'done'
    )
      continue;
    tell(plan, { document, log, wasEmpty });
    return;
  }
  log.error('IDENTITY_FILE was not loaded: others keep changing the identities');
}

/** Whether the store has seen every record of the document, and none of them says that a token is revoked. */
function isOld(document: BackupDocument, { digests }: Past): boolean {
  return rowsFromFile(document).every((row) => digests.has(digestOf(row)) && !isEnded(row));
}

function isEnded({ section, record }: Row): boolean {
  return section.endedBy !== null && record[section.endedBy] !== null;
}

interface Telling extends Omit<IdentityFileOptions, 'archive'> {
  wasEmpty: boolean;
}

function tell({ created, revoked, skipped }: FilePlan, { document, log, wasEmpty }: Telling): void {
  if (created.length > 0) {
    const liveTokens = created.filter((row) => row.key.kind === 'token' && !isEnded(row)).length;
    const message = wasEmpty
      ? 'the store was empty and took its identities from IDENTITY_FILE: whatever was revoked, deleted or narrowed after the file was written has come back. If the store lost its data, review the tokens and revoke again'
      : 'identities that the store did not know came from IDENTITY_FILE: whatever was revoked or narrowed elsewhere after the file was written may have come back';
    const fields = { added: created.length, live_tokens: liveTokens, exported_at: document.exportedAt };
    log.warn(message, fields);
  }
  if (revoked.length > 0)
    log.info('tokens were revoked because IDENTITY_FILE says so', { rows: named(revoked) });
  if (skipped.length > 0) {
    const message =
      'IDENTITY_FILE: some rows were left out, because their team or user was deleted here or another has their secret, address or account';
    log.warn(message, { count: skipped.length, rows: named(skipped) });
  }
}

function named(rows: readonly Row[]): string {
  const some = rows.slice(0, maxNamed).map(({ key }) => keyName(key));
  return some.join(', ') + (rows.length > maxNamed ? ', …' : '');
}

type IdentityFileResult = { ok: true; document: BackupDocument | null } | { ok: false; problems: string[] };

/** Reads and checks the document of IDENTITY_FILE. Reports all problems at once, each with its path in the file. */
export async function readIdentityFile(file: string | undefined): Promise<IdentityFileResult> {
  if (file === undefined) return { ok: true, document: null };
  const read = readTextFile(file, maxDocumentBytes);
  if ('problem' in read) return failure([`${read.problem}.`]);
  const document = await readDocument(read.text);
  if (!(document instanceof Refusal)) return { ok: true, document };
  const { problems } = document.details;
  return failure(problems?.map(({ message }) => message) ?? [document.message]);
}

function failure(problems: readonly string[]): IdentityFileResult {
  return { ok: false, problems: problems.map((problem) => `IDENTITY_FILE: ${problem}`) };
}
