/** Beyond this, what is kept is forgotten. */
const maxKept = 1_000;

/**
 * Texts that are made of some fields of a record, kept under a key for as long as those fields stay the same: who asks
 * for what is the same in most requests of a token. Joining a dozen fields costs some thousand instructions, comparing
 * them a hundred.
 */
export class RecurringText<Fields> {
  readonly #isSame: (a: Fields, b: Fields) => boolean;
  readonly #make: (fields: Fields) => string;
  readonly #kept = new Map<string, { fields: Fields; text: string }>();

  /** `isSame` compares every field that `make` uses. */
  constructor(isSame: (a: Fields, b: Fields) => boolean, make: (fields: Fields) => string) {
    this.#isSame = isSame;
    this.#make = make;
  }

  of(key: string, fields: Fields): string {
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#isSame(kept.fields, fields)) return kept.text;
    const text = inOnePiece(this.#make(fields));
    if (this.#kept.size >= maxKept) this.#kept.clear();
    this.#kept.set(key, { fields, text });
    return text;
  }

  forget(): void {
    this.#kept.clear();
  }
}

/** V8 keeps a joined text as its parts, and would copy each of them every time. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString();
}
