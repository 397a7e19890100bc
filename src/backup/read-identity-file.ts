import { readFileSync, statSync } from 'node:fs';
import { maxDocumentBytes, type BackupDocument } from './document.ts';
import { readDocument } from './read-document.ts';
import { Refusal } from '../base/refusal.ts';

export type IdentityFileResult =
  { ok: true; document: BackupDocument | null } | { ok: false; problems: string[] };

/** Reads and checks the document of IDENTITY_FILE; every problem at once, naming its path inside the file. */
export async function readIdentityFile(file: string | undefined): Promise<IdentityFileResult> {
  if (file === undefined) return { ok: true, document: null };
  const text = textOf(file);
  if (text === null)
    return failure([`expected the path of a readable file of at most ${maxDocumentBytes} bytes.`]);
  const document = await readDocument(text);
  if (!(document instanceof Refusal)) return { ok: true, document };
  const { problems } = document.details;
  return failure(problems?.map(({ message }) => message) ?? [document.message]);
}

function textOf(file: string): string | null {
  try {
    if (statSync(file).size > maxDocumentBytes) return null;
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch {
    return null;
  }
}

function failure(problems: readonly string[]): IdentityFileResult {
  return { ok: false, problems: problems.map((problem) => `IDENTITY_FILE: ${problem}`) };
}
