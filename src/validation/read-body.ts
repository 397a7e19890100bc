import type { IncomingMessage } from 'node:http';
import { Refusal } from '../base/refusal.ts';
import type { Holding } from '../memory/holding.ts';

/**
 * How much of a refused body is still read, beyond the limit, behind the answer. Many clients read an answer only
 * once they have sent their body, and closing a socket with unread bytes in it resets the connection, which can
 * throw the answer away. 8 MiB lets a body of nearly twice the default limit in, at a few ms of CPU.
 */
const maxDrainBytes = 8 * 1024 * 1024;

export interface ReadBodyOptions {
  incoming: IncomingMessage;
  /** The limit of one body, `MAX_BODY_BYTES`. */
  maxBytes: number;
  /** Counts what is in memory. */
  holding: Holding;
}

/** So many small chunks are joined to one: each takes some 200 bytes more than what is in it. */
const maxSmallChunks = 64;
const smallChunksBytes = 65_536;

export type BodyRead =
  /** The bytes are counted until `holding` is told otherwise. */
  | { kind: 'complete'; bytes: Buffer }
  /** The rest of the body is read and dropped while the refusal is answered. */
  | { kind: 'refused'; refusal: Refusal }
  /** The caller left before the body was in: there is nobody to answer. Nothing is held. */
  | { kind: 'gone' };

/**
 * Reads a request body into memory. Bytes are counted as they arrive, so that a large content-length with nothing
 * behind it reserves nothing. How long a body may take is the server's `requestTimeout`.
 */
export function readBody(options: ReadBodyOptions): Promise<BodyRead> {
  return new Promise((resolve) => new BodyReading(options, resolve).start());
}

/** Whether a request says that its body is larger. llhttp has already refused a content-length that is no number. */
export function declaresMore({ headers }: IncomingMessage, maxBytes: number): boolean {
  return Number(headers['content-length'] ?? 0) > maxBytes;
}

class BodyReading {
  readonly #options: ReadBodyOptions;
  readonly #resolve: (result: BodyRead) => void;
  readonly #chunks: Buffer[] = [];
  #heldBytes = 0;
  /** The last chunks, not joined yet. */
  #loose = { chunks: 0, bytes: 0 };

  constructor(options: ReadBodyOptions, resolve: (result: BodyRead) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    const { incoming, maxBytes } = this.#options;
    if (incoming.destroyed) return this.#settle({ kind: 'gone' });
    if (declaresMore(incoming, maxBytes)) return this.#refuse(tooLarge(maxBytes));
    incoming.on('data', this.#onData);
    incoming.on('end', this.#onEnd);
    incoming.on('error', this.#onGone);
    incoming.on('close', this.#onGone);
  }

  readonly #onData = (chunk: Buffer): void => {
    const { maxBytes, holding } = this.#options;
    const bytes = this.#heldBytes + chunk.length;
    if (bytes > maxBytes) return this.#refuse(tooLarge(maxBytes));
    const full = holding.body(bytes);
    if (full) return this.#refuse(full);
    this.#heldBytes = bytes;
    this.#chunks.push(chunk);
    if (this.#chunks.length >= maxSmallChunks) this.#joinSmall(chunk.length);
  };

  #joinSmall(bytes: number): void {
    this.#loose = { chunks: this.#loose.chunks + 1, bytes: this.#loose.bytes + bytes };
    if (this.#loose.chunks < maxSmallChunks) return;
    if (this.#loose.bytes < smallChunksBytes) {
      this.#chunks.push(Buffer.concat(this.#chunks.splice(-maxSmallChunks)));
    }
    this.#loose = { chunks: 0, bytes: 0 };
  }

  readonly #onEnd = (): void => {
    const [only] = this.#chunks;
    const bytes = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks, this.#heldBytes);
    this.#settle({ kind: 'complete', bytes });
  };

  readonly #onGone = (): void => {
    this.#giveBack();
    this.#settle({ kind: 'gone' });
  };

  #refuse(refusal: Refusal): void {
    this.#giveBack();
    this.#settle({ kind: 'refused', refusal });
    discard(this.#options.incoming, this.#options.maxBytes + maxDrainBytes);
  }

  #giveBack(): void {
    this.#options.holding.body(0);
  }

  #settle(result: BodyRead): void {
    const { incoming } = this.#options;
    incoming.off('data', this.#onData);
    incoming.off('end', this.#onEnd);
    incoming.off('error', this.#onGone);
    incoming.off('close', this.#onGone);
    this.#chunks.length = 0;
    this.#resolve(result);
  }
}

/** Reads and drops what is left of a body; one that goes on beyond `maxBytes` is cut off with its connection. */
function discard(incoming: IncomingMessage, maxBytes: number): void {
  let droppedBytes = 0;
  incoming.on('error', () => undefined); // the caller left: there is nothing more to read
  incoming.on('data', (chunk: Buffer) => {
    droppedBytes += chunk.length;
    if (droppedBytes > maxBytes) incoming.destroy();
  });
}

function tooLarge(maxBytes: number): Refusal {
  const message = `The request body is larger than ${maxBytes} bytes, the most this gateway reads; send a smaller one.`;
  return new Refusal('body_too_large', message);
}
