import { looksLikeCredential } from '../../base/credential-text.ts';
import type { JsonObject } from '../../base/request.ts';
import type { Documented } from '../documented.ts';

/** The header would grow with the names. */
const maxNames = 32;
/** Telling whether a name may be shown takes a microsecond, and a body has room for a million of them. */
const maxLookedAt = 256;
const plainName = /^\w{1,64}$/;

/** What a chat cannot say of a request: fields that are left out, or changed, as `x-tollgate-adjusted` names them. */
export class Adjustments {
  readonly #notes = new Set<string>();
  #lookedAt = 0;

  get all(): readonly string[] {
    return [...this.#notes];
  }

  note(what: string): void {
    if (this.#notes.size < maxNames) this.#notes.add(what);
  }

  /** Notes the fields of an object that are not documented. Their names are the caller's text. */
  unknown({ names }: Documented, object: JsonObject, path: string): void {
    for (const key in object) {
      if (names.has(key)) continue;
      if (this.#lookedAt === maxLookedAt) return;
      this.#lookedAt++;
      const isShown = plainName.test(key) && !looksLikeCredential(key);
      this.note(`${path}.${isShown ? key : '*'}`);
    }
  }
}
