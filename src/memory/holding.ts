import type { ServerResponse } from 'node:http';
import type { Refusal } from '../base/refusal.ts';
import type { Account } from './account.ts';

/** What one call holds in memory: its body, as much of an answer as is kept, and what its reader has not taken. */
export class Holding {
  #account: Account | null = null;
  /** Of the client's address, if the call may hold much. */
  #address: Account | null = null;
  #bodyBytes = 0;
  #answerBytes = 0;
  #unreadBytes = 0;
  #keptBytes = 0;

  /** Whether an account answers for it. */
  get hasAccount(): boolean {
    return this.#account !== null;
  }

  get bytes(): number {
    return this.#bodyBytes + this.#answerBytes + this.#unreadBytes + this.#keptBytes;
  }

  /** From now on this account answers for the call. A refusal if it has too many calls under way. */
  enter(account: Account): Refusal | null {
    if (this.#account !== null) return null;
    const refusal = account.enter();
    if (refusal) return refusal;
    this.#account = account;
    account.add(this.bytes);
    return null;
  }

  /** Counts it for its client's address, too. */
  countAt(address: Account): void {
    if (this.#address !== null || this.#account === null) return;
    this.#address = address;
    address.join();
    address.add(this.bytes);
  }

  /*
   * Each says how many bytes are held now. If that is more than before and somebody's share is full, it is refused and
   * nothing changes.
   */

  body(bytes: number): Refusal | null {
    const refusal = this.#change(bytes - this.#bodyBytes);
    if (refusal === null) this.#bodyBytes = bytes;
    return refusal;
  }

  answer(bytes: number): Refusal | null {
    const refusal = this.#change(bytes - this.#answerBytes);
    if (refusal === null) this.#answerBytes = bytes;
    return refusal;
  }

  unread(bytes: number): Refusal | null {
    const refusal = this.#change(bytes - this.#unreadBytes);
    if (refusal === null) this.#unreadBytes = bytes;
    return refusal;
  }

  /** Of the answer, for the next call with the same Idempotency-Key. */
  kept(bytes: number): Refusal | null {
    const refusal = this.#change(bytes - this.#keptBytes);
    if (refusal === null) this.#keptBytes = bytes;
    return refusal;
  }

  /** The call has ended: everything is given back. More than once does no harm. */
  leave(): void {
    this.#account?.add(-this.bytes);
    this.#account?.leave();
    this.#address?.add(-this.bytes);
    this.#address?.leave();
    this.#account = null;
    this.#address = null;
  }

  #change(more: number): Refusal | null {
    if (more <= 0) {
      this.#account?.add(more);
      this.#address?.add(more);
      return null;
    }
    const refusal = this.#account?.take(more) ?? null;
    if (refusal || this.#address === null) return refusal;
    const ofAddress = this.#address.take(more);
    if (ofAddress) this.#account?.add(-more);
    return ofAddress;
  }
}

const held = Symbol('holding');

/** What the call of this response holds. */
export function holdingOf(response: ServerResponse): Holding {
  const holder: ServerResponse & { [held]?: Holding } = response;
  return (holder[held] ??= new Holding());
}
