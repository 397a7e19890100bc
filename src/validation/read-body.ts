import type { IncomingMessage } from 'node:http';
import { Refusal } from '../base/refusal.ts';

/**
 * The bytes of request bodies this process holds at once (`BODY_BUDGET_BYTES`). Many bodies, each within its own
 * limit, would otherwise add up to more memory than a dyno has.
 */
export class BodyBudget {
  private readonly maxBytes: number;
  private takenBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** True when the bytes fitted and are now counted; false leaves the budget as it was. */
  take(bytes: number): boolean {
    if (this.takenBytes + bytes > this.maxBytes) return false;
    this.takenBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.takenBytes -= bytes;
  }

  get usedBytes(): number {
    return this.takenBytes;
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
  return new Promise((resolve) => {
    new BodyReading(options, resolve).start();
  });
}

class BodyReading {
  private readonly incoming: IncomingMessage;
  private readonly maxBytes: number;
  private readonly budget: BodyBudget;
  private readonly resolve: (result: BodyRead) => void;
  private readonly chunks: Buffer[] = [];
  private heldBytes = 0;

  constructor({ incoming, maxBytes, budget }: ReadBodyOptions, resolve: (result: BodyRead) => void) {
    this.incoming = incoming;
    this.maxBytes = maxBytes;
    this.budget = budget;
    this.resolve = resolve;
  }

  start(): void {
    const { incoming } = this;
    if (incoming.destroyed) return this.settle({ kind: 'gone' });
    // llhttp has already refused a content-length that is not a number.
    if (Number(incoming.headers['content-length'] ?? 0) > this.maxBytes) return this.refuse(this.tooLarge());
    incoming.on('data', this.onData);
    incoming.on('end', this.onEnd);
    incoming.on('error', this.onGone);
    incoming.on('close', this.onGone);
  }

  private readonly onData = (chunk: Buffer): void => {
    if (this.heldBytes + chunk.length > this.maxBytes) return this.refuse(this.tooLarge());
    if (!this.budget.take(chunk.length)) return this.refuse(overloaded());
    this.heldBytes += chunk.length;
    this.chunks.push(chunk);
  };

  private readonly onEnd = (): void => {
    const { chunks, heldBytes } = this;
    const [only] = chunks;
    const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks, heldBytes);
    this.settle({ kind: 'complete', bytes, release: () => this.giveBack() });
  };

  private readonly onGone = (): void => {
    this.giveBack();
    this.settle({ kind: 'gone' });
  };

  private refuse(refusal: Refusal): void {
    this.giveBack();
    this.settle({ kind: 'refused', refusal });
    discard(this.incoming, this.maxBytes + maxDrainBytes);
  }

  private giveBack(): void {
    this.budget.giveBack(this.heldBytes);
    this.heldBytes = 0;
  }

  private settle(result: BodyRead): void {
    this.incoming.off('data', this.onData);
    this.incoming.off('end', this.onEnd);
    this.incoming.off('error', this.onGone);
    this.incoming.off('close', this.onGone);
    this.chunks.length = 0;
    this.resolve(result);
  }

  private tooLarge(): Refusal {
    return new Refusal(
      'body_too_large',
      `The request body is larger than ${this.maxBytes} bytes, the most this gateway reads; send a smaller one.`,
    );
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

/** The refusal of what the budget has no room for. */
export function overloaded(): Refusal {
  return new Refusal(
    'overloaded',
    'The gateway is holding as many request bodies as it can; try again shortly.',
    {
      headers: { 'retry-after': '1' },
    },
  );
}
