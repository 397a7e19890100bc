/** Longer fields are left out. */
const maxFieldLength = 16_384;
const maxLength = 65_536;

/** Keeps the small top-level fields of a JSON object that comes in chunks, such as usage and errors. */
export class JsonSketch {
  /** Where the current field begins in the chunk; -1 if there is none. */
  #fieldAt = -1;
  #field = '';
  #text = '';

  /** The object with these fields only, as JSON. */
  get json(): string {
    return `{${this.#text}}`;
  }

  beginField(at: number): void {
    this.#fieldAt = at;
  }

  endField(chunk: string, end: number): void {
    if (this.#fieldAt === -1) return;
    this.#keep(chunk, end);
    const { length } = this.#field;
    if (length <= maxFieldLength && this.#text.length + length < maxLength) {
      this.#text += this.#text === '' ? this.#field : `,${this.#field}`;
    }
    this.#field = '';
    this.#fieldAt = -1;
  }

  /** The rest of the field comes at the beginning of the next chunk. */
  endChunk(chunk: string, end: number): void {
    if (this.#fieldAt === -1) return;
    this.#keep(chunk, end);
    this.#fieldAt = 0;
  }

  #keep(chunk: string, end: number): void {
    if (this.#field.length <= maxFieldLength) this.#field += chunk.slice(this.#fieldAt, end);
  }
}
