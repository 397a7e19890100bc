import type { ServerResponse } from 'node:http';
import type { Pausable } from '../upstream/upstream-call.ts';
import { writeWholeChunk } from './whole-chunk.ts';

/**
 * How long a reader has for what was written before a cut: once the connection is gone, Chromium drops what a page has
 * not read yet. Of 40 pages, 17 saw the first word of an answer that was cut at once; all 40 did after 50 ms.
 */
const cutDelayMs = 50;

/**
 * Writes to a caller as fast as it reads. Meanwhile the upstream's answer is paused; the server cuts off a reader that
 * takes nothing (`lifecycle/unread-answers.ts`).
 */
export class PacedWriter {
  /** The reader has not taken what was written. */
  blocked = false;
  readonly #outgoing: ServerResponse;
  readonly #readerTimeoutMs: number;
  #source: Pausable | null = null;
  /** All that was written has gone out, the head with it. */
  #isIdle = false;
  readonly #idle = (): void => void (this.#isIdle = true);

  constructor(outgoing: ServerResponse, readerTimeoutMs: number) {
    this.#outgoing = outgoing;
    this.#readerTimeoutMs = readerTimeoutMs;
  }

  /** The answer that is paused from now on. */
  paces(source: Pausable): void {
    this.#source = source;
  }

  /** Writes bytes as Latin-1 text. */
  writeLatin1(text: string): void {
    const isIdle = this.#isIdle;
    this.#isIdle = false;
    if (isIdle && writeWholeChunk(this.#outgoing, text, this.#idle)) return;
    // Node gathers what comes in one turn, and sends it together.
    this.#paced(this.#outgoing.write(text, 'latin1', this.#idle));
  }

  write(chunk: Buffer): void {
    this.#paced(this.#outgoing.write(chunk));
  }

  /** Pauses the upstream's answer until the reader has caught up. */
  #paced(taken: boolean): void {
    if (taken || this.blocked) return;
    this.blocked = true;
    this.#source?.pause();
    this.#outgoing.once('drain', () => {
      this.blocked = false;
      this.#source?.resume();
    });
  }

  /** Ends the reply properly. */
  end(chunk?: Buffer | string, encoding: BufferEncoding = 'utf8'): void {
    if (chunk) this.#outgoing.end(chunk, encoding);
    else this.#outgoing.end();
  }

  /**
   * Cuts the connection once what was written has gone out, so that nobody takes the end for a success. `destroy()` could
   * lose what was written; `end()` would be a clean end.
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
   * Node closes a socket at the second timeout in a row without progress of a write, hence half the time. http sets it
   * again for the next request.
   */
  #limitReader(): void {
    this.#outgoing.socket?.setTimeout(this.#readerTimeoutMs / 2);
  }
}
