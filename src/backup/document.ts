import { unsafeCharacters } from '../base/fields.ts';
import { withoutCredentials } from '../base/credential-text.ts';
import type { ArchiveKey } from '../identity/records/archive.ts';
import type { JsonObject } from '../base/request.ts';
import type { Section } from './sections.ts';

/** The version of the document; raised when an older program must not read it. */
export const documentVersion = 1;

/** The largest document that is written or read: 16 MiB, some 25,000 tokens. */
export const maxDocumentBytes = 16_777_216;

/** A row that was checked. */
export interface Row {
  section: Section;
  /** Its path in the document: `tokens.17`. */
  path: string;
  key: ArchiveKey;
  /** As it is stored: with the ids of its limits, without its secrets. */
  record: JsonObject;
  /** The hashes of its secrets. */
  secrets: string[];
}

/** A document that was checked: every row is valid, and everything that rows refer to is in it. */
export interface BackupDocument {
  exportedAt: string;
  /** The name of the store it was exported from; null if unknown. */
  store: string | null;
  /** In the order of the sections. */
  rows: Row[];
  /** The size of its text, in bytes. */
  bytes: number;
}

/** One text for each key: `token/acme/tok_1`. */
export function keyName(key: ArchiveKey): string {
  if (key.kind === 'settings') return key.kind;
  return key.kind === 'team' ? `team/${key.team}` : `${key.kind}/${key.team}/${key.id}`;
}

const maxTextLength = 300;

/** A text of the sender, short enough for a message, without control characters and credentials. */
export function shortened(text: string): string {
  const shown = withoutCredentials(text);
  const some = shown.length > maxTextLength ? `${shown.slice(0, maxTextLength)}…` : shown;
  return some.replaceAll(unsafeCharacters, '?');
}
