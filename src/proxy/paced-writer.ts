import type { ServerResponse } from 'node:http';
import type { Pausable } from '../upstream/upstream-call.ts';

/**
 * How long a reader has for what came before a cut: Chromium drops what a page has not read yet once the connection is
 * gone. Cut at once, 17 of 40 pages saw the first word of an answer that broke off; after 50 ms all 40 did.
 */
const cutDelayMs = 50;

/** Writes to a caller as fast as it reads, and no faster: the source waits meanwhile, with a deadline. */
export class PacedWriter {
  /** The reader has not taken what was written; nothing more should come. */
  blocked = false;
  readonly #outgoing: ServerResponse;
  readonly #readerTimeoutMs: number;
  #source: Pausable | null = null;

  constructor(outgoing: ServerResponse, readerTimeoutMs: number) {
    this.#outgoing = outgoing;
    this.#readerTimeoutMs = readerTimeoutMs;
  }

  /** The answer that is paused from now on. */
  paces(source: Pausable): void {
    this.#source = source;
  }

  /** Writes, pausing the source until the reader has caught up. */
  write(chunk: Buffer | string): void {
    if (this.#outgoing.write(chunk) || this.blocked) return;
    this.blocked = true;
    this.#source?.pause();
    this.#limitReader();
    this.#outgoing.once('drain', () => {
      this.blocked = false;
      this.#outgoing.socket?.setTimeout(0);
      this.#source?.resume();
    });
  }

  /** Ends the reply properly. */
  end(chunk?: Buffer): void {
    if (chunk) this.#outgoing.end(chunk);
    else this.#outgoing.end();
    if (!this.#outgoing.writableFinished) this.#limitReader();
  }

  /**
   * Cuts the connection once what was written has gone out, so that nobody takes the end for a success.
   * `destroy()` at once could lose what was written; an end would be a clean one.
   */
  cut(): void {
    this.#limitReader();
    setTimeout(() => {
      const { socket } = this.#outgoing;
      if (socket) socket.destroySoon();
      else this.#outgoing.destroy();
    }, cutDelayMs);
  }

  /**
   * Node closes a socket on whose second timeout in a row no write has made progress, hence half the time; http
   * sets it anew for the next request.
   */
  #limitReader(): void {
    this.#outgoing.socket?.setTimeout(this.#readerTimeoutMs / 2);
  }
}
