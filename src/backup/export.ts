import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArchivedPart, IdentityArchive, StoredRecord } from '../identity/records/archive.ts';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/refusal.ts';
import type { JsonObject } from '../base/request.ts';
import { documentVersion, maxDocumentBytes } from './document.ts';
import { sections, type Section } from './sections.ts';

export interface ExportOptions {
  archive: IdentityArchive;
  clock: Clock;
  /** Just this one; null for all. */
  team: string | null;
}

/**
 * All identities as one document; each team as it was at one moment. A refusal where there is no such team, or where
 * the document would be larger than an import takes. Rejects with `StoreUnavailable`.
 */
export async function exportDocument({ archive, clock, team }: ExportOptions): Promise<JsonObject | Refusal> {
  const exportedAt = new Date(clock.now()).toISOString();
  const store = await archive.storeName();
  const rows = new Map<string, JsonObject[]>(sections.map(({ name }) => [name, []]));
  let bytes = team === null ? addPart(rows, await archive.gateway()) : 0;
  for (const id of team === null ? await archive.teams() : [team]) {
    const found = await archive.team(id);
    if (found === null && team !== null) return new Refusal('not_found', `There is no team ${team}.`);
    if (found !== null) bytes += addPart(rows, found);
    if (bytes > maxDocumentBytes) return tooLarge();
    await nextTurn();
  }
  const document = { tollgate_export: documentVersion, exported_at: exportedAt, store };
  return { ...document, ...Object.fromEntries(rows) };
}

/** Adds the rows of a part; about how many bytes they are. */
function addPart(rows: ReadonlyMap<string, JsonObject[]>, part: ArchivedPart): number {
  let bytes = 0;
  for (const section of sections) {
    for (const record of section.recordsIn(part)) {
      bytes += Buffer.byteLength(record.text) + bytesASecret * record.secrets.length + bytesARow;
      rows.get(section.name)?.push(rowOf(section, record));
    }
  }
  return bytes;
}

const bytesASecret = 60;
const bytesARow = 16;

function rowOf(section: Section, { text, secrets }: StoredRecord): JsonObject {
  const record = JSON.parse(text) as JsonObject; // the store's texts are this program's own
  return section.hasSecrets ? { ...record, secret_hashes: [...secrets] } : record;
}

function tooLarge(): Refusal {
  const message = `There is more than ${maxDocumentBytes} bytes of identities: export team by team, with team=….`;
  return new Refusal('body_too_large', message);
}
