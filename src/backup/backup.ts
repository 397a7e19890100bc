import type { IdentityArchive } from '../identity/records/archive.ts';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/refusal.ts';
import type { JsonObject } from '../base/request.ts';
import { exportDocument } from './export.ts';
import { importDocument, type ImportReport } from './import.ts';
import { readDocument } from './read-document.ts';

/** Export and import of identities, for the admin API. Both reject with `StoreUnavailable`. */
export class Backup {
  readonly #archive: IdentityArchive;
  readonly #clock: Clock;

  constructor({ archive, clock }: { archive: IdentityArchive; clock: Clock }) {
    this.#archive = archive;
    this.#clock = clock;
  }

  /** All identities, or those of a team. */
  export(team: string | null): Promise<JsonObject | Refusal> {
    return exportDocument({ archive: this.#archive, clock: this.#clock, team });
  }

  /** Brings the text of a document into the store. */
  async import(text: string, { overwrite }: { overwrite: boolean }): Promise<ImportReport | Refusal> {
    const document = await readDocument(text);
    if (document instanceof Refusal) return document;
    return importDocument(document, { archive: this.#archive, overwrite });
  }
}
