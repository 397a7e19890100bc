import { Refusal, retryAfter } from '../base/refusal.ts';
import type { HolderKind, Share } from './shares.ts';

/** What one holder has at once: bytes in memory, and calls under way. Its parent has that too, and more. */
export class Account {
  bytes = 0;
  calls = 0;
  readonly #share: Share;
  readonly #parent: Account | null;

  constructor(share: Share, parent: Account | null = null) {
    this.#share = share;
    this.#parent = parent;
  }

  get isIdle(): boolean {
    return this.calls === 0 && this.bytes === 0;
  }

  isWithin(other: Account): boolean {
    for (let at: Account | null = this; at; at = at.#parent) if (at === other) return true;
    return false;
  }

  /** Counts so many bytes here and above, or says whose share is full. */
  take(bytes: number): Refusal | null {
    let below: Account | null = null;
    for (let at: Account | null = this; at; at = at.#parent) {
      if (at.bytes + bytes > at.#limitFor(below, bytes)) return full(at.#share, bytes);
      below = at;
    }
    this.add(bytes);
    return null;
  }

  /** Counts them even beyond the share: what is held already, or is small. */
  add(bytes: number): void {
    for (let at: Account | null = this; at; at = at.#parent) at.bytes += bytes;
  }

  /** Counts a call here and above, or says whose share is full. */
  enter(): Refusal | null {
    for (let at: Account | null = this; at; at = at.#parent) {
      if (at.calls >= at.#share.maxCalls) return tooMany(at.#share);
    }
    this.join();
    return null;
  }

  /** Counts a call even beyond the share. */
  join(): void {
    for (let at: Account | null = this; at; at = at.#parent) at.calls += 1;
  }

  leave(): void {
    for (let at: Account | null = this; at; at = at.#parent) at.calls -= 1;
  }

  /** The last part of a share is for those below who hold little, so that they are never shut out by those who hold much. */
  #limitFor(below: Account | null, bytes: number): number {
    const { maxBytes, openToBytes, littleBytes } = this.#share;
    return below !== null && below.bytes + bytes > littleBytes ? openToBytes : maxBytes;
  }
}

const names: Record<HolderKind, string> = {
  gateway: 'The gateway',
  team: 'This team',
  token: 'This token',
  session: 'This session',
  administrator: 'This administrator',
  address: 'Your address',
  strangers: 'All callers without a credential together',
  stranger: 'Your address, without a credential,',
};

function full({ kind, maxBytes }: Share, bytes: number): Refusal {
  const of = kind === 'gateway' ? 'as it can' : `as its share allows, ${Math.floor(maxBytes)} bytes`;
  return overloaded(
    `${names[kind]} holds as much memory of this process ${of}, or would with ${bytes} more. It is given back as bodies are sent on and answers are read; try again shortly.`,
  );
}

function tooMany({ kind, maxCalls }: Share): Refusal {
  return overloaded(
    `${names[kind]} has as many calls under way in this process as its share allows: ${maxCalls}. Try again when some have ended.`,
  );
}

function overloaded(message: string): Refusal {
  return new Refusal('overloaded', message, { headers: retryAfter(1) });
}
