import type { IncomingMessage } from 'node:http';
import { Refusal } from '../base/refusal.ts';

/**
 * The bytes of request bodies this process holds at once (`BODY_BUDGET_BYTES`). Many bodies, each within its own
 * limit, would otherwise add up to more memory than a dyno has.
 */
export class BodyBudget {
  usedBytes = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the bytes fit; if so, they are counted from now on. */
  take(bytes: number): boolean {
    if (this.usedBytes + bytes > this.#maxBytes) return false;
    this.usedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.usedBytes -= bytes;
  }
}

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
  budget: BodyBudget;
}

export type BodyRead =
  /** `release` gives the bytes back to the budget; once is enough, more does no harm. */
  | { kind: 'complete'; bytes: Buffer; release: () => void }
  /** The rest of the body is read and dropped while the refusal is answered. */
  | { kind: 'refused'; refusal: Refusal }
  /** The caller left before the body was in: there is nobody to answer. Nothing is held. */
  | { kind: 'gone' };

/**
 * Reads a request body into memory. Bytes are taken from the budget as they arrive, so that a large content-length
 * with nothing behind it reserves nothing. How long a body may take is the server's `requestTimeout`.
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
    const { maxBytes, budget } = this.#options;
    if (this.#heldBytes + chunk.length > maxBytes) return this.#refuse(tooLarge(maxBytes));
    if (!budget.take(chunk.length)) return this.#refuse(overloaded());
    this.#heldBytes += chunk.length;
    this.#chunks.push(chunk);
  };

  readonly #onEnd = (): void => {
    const [only] = this.#chunks;
    const bytes = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks, this.#heldBytes);
    this.#settle({ kind: 'complete', bytes, release: () => this.#giveBack() });
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
    this.#options.budget.giveBack(this.#heldBytes);
    this.#heldBytes = 0;
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

/** The refusal of what the budget has no room for. */
export function overloaded(): Refusal {
  const message = 'The gateway is holding as many request bodies as it can; try again shortly.';
  return new Refusal('overloaded', message, { headers: { 'retry-after': '1' } });
}
