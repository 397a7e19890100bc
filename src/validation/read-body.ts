import type { IncomingMessage } from 'node:http';
import { Refusal } from '../core/refusal.ts';
import type { BodyBudget } from './body-budget.ts';

/*
 * How much of a body is still read once it is refused, beyond the limit, and for how long, before the refusal is
 * answered. Many clients read an answer only once they have sent their body, and closing a socket with unread bytes in
 * it resets the connection, which can throw the answer away. 8 MiB lets a body of nearly twice the default limit in, at
 * a few ms of CPU; a second is enough for it on any but the slowest link, and all that one who sends nothing holds up.
 */
const maxDrainBytes = 8 * 1024 * 1024;
const maxDrainMs = 1_000;

export interface ReadBodyOptions {
  incoming: IncomingMessage;
  /** The limit of one body, `MAX_BODY_BYTES`. */
  maxBytes: number;
  budget: BodyBudget;
}

export type BodyRead =
  /** `release` gives the bytes back to the budget; once is enough, more does no harm. */
  | { kind: 'complete'; bytes: Buffer; release: () => void }
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
  private refusal: Refusal | null = null;
  /** Of the whole body, kept or not. */
  private receivedBytes = 0;
  private drainTimer: NodeJS.Timeout | undefined;

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
    if (Number(incoming.headers['content-length'] ?? 0) > this.maxBytes) this.refuse(this.tooLarge());
    incoming.on('data', this.onData);
    incoming.on('end', this.onEnd);
    incoming.on('error', this.onGone);
    incoming.on('close', this.onGone);
  }

  private readonly onData = (chunk: Buffer): void => {
    this.receivedBytes += chunk.length;
    if (this.refusal) return this.drain(this.refusal);
    if (this.heldBytes + chunk.length > this.maxBytes) return this.refuse(this.tooLarge());
    if (!this.budget.take(chunk.length)) return this.refuse(overloaded());
    this.heldBytes += chunk.length;
    this.chunks.push(chunk);
  };

  private readonly onEnd = (): void => {
    if (this.refusal) return this.settle({ kind: 'refused', refusal: this.refusal });
    const { chunks, heldBytes } = this;
    const [only] = chunks;
    const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks, heldBytes);
    this.chunks.length = 0;
    this.settle({ kind: 'complete', bytes, release: () => this.giveBack() });
  };

  private readonly onGone = (): void => {
    this.giveBack();
    this.settle({ kind: 'gone' });
  };

  /** From here on nothing is kept; the refusal is told when the rest is in or a bound is reached. */
  private refuse(refusal: Refusal): void {
    this.refusal = refusal;
    this.chunks.length = 0;
    this.giveBack();
    this.drainTimer = setTimeout(() => this.stop(refusal), maxDrainMs);
  }

  private drain(refusal: Refusal): void {
    if (this.receivedBytes > this.maxBytes + maxDrainBytes) this.stop(refusal);
  }

  /** Bytes of this body may still be on their way, so the connection cannot carry another request. */
  private stop({ code, message, details }: Refusal): void {
    this.incoming.pause();
    const headers = { ...details.headers, connection: 'close' };
    this.settle({ kind: 'refused', refusal: new Refusal(code, message, { ...details, headers }) });
  }

  private giveBack(): void {
    this.budget.giveBack(this.heldBytes);
    this.heldBytes = 0;
  }

  private settle(result: BodyRead): void {
    clearTimeout(this.drainTimer);
    this.incoming.off('data', this.onData);
    this.incoming.off('end', this.onEnd);
    this.incoming.off('error', this.onGone);
    this.incoming.off('close', this.onGone);
    this.resolve(result);
  }

  private tooLarge(): Refusal {
    return new Refusal(
      'body_too_large',
      `The request body is larger than ${this.maxBytes} bytes, the most this gateway reads; send a smaller one.`,
    );
  }
}

function overloaded(): Refusal {
  return new Refusal(
    'overloaded',
    'The gateway is holding as many request bodies as it can; try again shortly.',
    {
      headers: { 'retry-after': '1' },
    },
  );
}
