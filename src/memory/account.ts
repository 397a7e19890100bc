import { Refusal, retryAfter } from '../base/refusal.ts';
import type { HolderKind, Share } from './shares.ts';

/** What one holder has at once: bytes in memory, and calls under way. Those above it have that too, and more. */
export class Account {
  bytes = 0;
  calls = 0;
  readonly #share: Share;
  /** This account and those above it, upwards. */
  readonly #upwards: readonly Account[];

  constructor(share: Share, parent: Account | null = null) {
    this.#share = share;
    this.#upwards = parent === null ? [this] : [this, ...parent.#upwards];
  }

  get isIdle(): boolean {
    return this.calls === 0 && this.bytes === 0;
  }

  isWithin(other: Account): boolean {
    return this.#upwards.includes(other);
  }

  /** Counts so many bytes here and above, or says whose share is full. */
  take(bytes: number): Refusal | null {
    let belowBytes = 0;
    for (const account of this.#upwards) {
      const after = account.bytes + bytes;
      if (after > account.#limitFor(belowBytes)) return full(account.#share, bytes);
      belowBytes = after;
    }
    this.add(bytes);
    return null;
  }

  /** Counts them even beyond the share: what is held already, or is small. */
  add(bytes: number): void {
    for (const account of this.#upwards) account.bytes += bytes;
  }

  /** Counts a call here and above, or says whose share is full. */
  enter(): Refusal | null {
    for (const account of this.#upwards) {
      if (account.calls >= account.#share.maxCalls) return tooMany(account.#share);
    }
    this.join();
    return null;
  }

  /** Counts a call even beyond the share. */
  join(): void {
    for (const account of this.#upwards) account.calls += 1;
  }

  leave(): void {
    for (const account of this.#upwards) account.calls -= 1;
  }

  /**
   * The last part of a share is for those who hold little in it, so that those who hold much never shut them out.
   * `belowBytes`: what the account below would hold; 0 if there is none.
   */
  #limitFor(belowBytes: number): number {
    const { maxBytes, openToBytes, littleBytes } = this.#share;
    return belowBytes > littleBytes ? openToBytes : maxBytes;
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
