import { randomFillSync } from 'node:crypto';

/** Ids of traces and spans. Random bytes are fetched for many at once: one by one takes ten times as long. */
export class Ids {
  readonly #bytes = Buffer.alloc(4_096);
  #at = this.#bytes.length;

  /** 32 hexadecimal digits. */
  trace(): string {
    return this.#next(16);
  }

  /** 16 hexadecimal digits. */
  span(): string {
    return this.#next(8);
  }

  #next(length: number): string {
    if (this.#at + length > this.#bytes.length) {
      randomFillSync(this.#bytes);
      this.#at = 0;
    }
    this.#at += length;
    return this.#bytes.toString('hex', this.#at - length, this.#at);
  }
}
