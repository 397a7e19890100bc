import type { Dispatcher } from 'undici';

/** Above this, a body is let go as soon as it cannot be sent again; below, undici keeps it until the answer has ended. */
export const largeBodyBytes = 65_536;

/** A large body as undici takes it: undici keeps what it is given until the answer has ended, so that this lets go. */
export class SentBody implements Iterable<Buffer> {
  #bytes: Buffer | null;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  *[Symbol.iterator](): Generator<Buffer> {
    if (this.#bytes) yield this.#bytes;
  }

  letGo(): void {
    this.#bytes = null;
  }

  /** Iterables are documented bodies (undici, "DispatchOptions"), which the types leave out. */
  get asBody(): NonNullable<Dispatcher.DispatchOptions['body']> {
    return this as unknown as NonNullable<Dispatcher.DispatchOptions['body']>;
  }
}
