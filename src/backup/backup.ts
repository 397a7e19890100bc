import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/refusal.ts';
import type { JsonObject } from '../base/request.ts';
import type { ArchivedPart, StoredRecord } from '../identity/records/archive.ts';
import type { IdentityArchive } from '../identity/store/identity-archive.ts';
import { documentVersion, maxDocumentBytes } from './document.ts';
import { importDocument, type ImportReport } from './import.ts';
import { readDocument } from './read-document.ts';
import { sections, type Section } from './sections.ts';

/** Export and import of identities, for the admin API. Both reject with `StoreUnavailable`. */
export class Backup {
  readonly #archive: IdentityArchive;
  readonly #clock: Clock;

  constructor({ archive, clock }: { archive: IdentityArchive; clock: Clock }) {
    this.#archive = archive;
    this.#clock = clock;
  }

  /**
   * All identities as one document, or those of one team; each team as it was at one moment. A refusal if there is no
   * such team, or if the document would be larger than an import accepts.
   */
  async export(team: string | null): Promise<JsonObject | Refusal> {
    const archive = this.#archive;
    const exportedAt = new Date(this.#clock.now()).toISOString();
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

  /** Brings the text of a document into the store. With `overwrite`, it wins over records that differ. */
  async import(text: string, { overwrite }: { overwrite: boolean }): Promise<ImportReport | Refusal> {
    const document = await readDocument(text);
    if (document instanceof Refusal) return document;
    return importDocument(document, { archive: this.#archive, overwrite });
  }
}

/** Adds the rows of a part, and returns about how many bytes they are. */
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
  const record = section.exported(JSON.parse(text) as JsonObject); // the store's texts are this program's own
  return section.hasSecrets ? { ...record, secret_hashes: [...secrets] } : record;
}

function tooLarge(): Refusal {
  const message = `There is more than ${maxDocumentBytes} bytes of identities: export team by team, with team=….`;
  return new Refusal('body_too_large', message);
}
