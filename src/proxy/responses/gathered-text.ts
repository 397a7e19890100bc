import { copied } from '../event-shape.ts';

/** So much is gathered before it is copied: copying each piece would cost more than all else about it. */
const copiedChars = 512;

/** A text that comes in small pieces. A piece is a slice, which would keep the chunk that it was cut from. */
export class GatheredText {
  length = 0;
  #copied = '';
  #pieces = '';

  /** Adds a piece, as Latin-1. */
  add(piece: string): void {
    this.length += piece.length;
    this.#pieces += piece;
    if (this.#pieces.length >= copiedChars) this.#copy();
  }

  /** All that was added. */
  get text(): string {
    if (this.#pieces !== '') this.#copy();
    return this.#copied;
  }

  #copy(): void {
    this.#copied += copied(this.#pieces);
    this.#pieces = '';
  }
}
