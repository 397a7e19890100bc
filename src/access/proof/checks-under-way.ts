/** More than a page sends in one moment. So many signatures are checked in a few milliseconds. */
export const maxChecksUnderWay = 32;

/**
 * How many proofs are being checked for whom. Until its proof is checked, a request counts in nobody's share: it may be of a
 * thief. Without a bound, whoever has the text of a session and one of its proofs could keep the threads that check
 * signatures busy for all.
 */
export class ChecksUnderWay {
  readonly #counts = new Map<string, number>();

  /** What the check finds; `'full'`, without a check, if so many of theirs are under way. */
  async within<T>(whose: string, check: () => Promise<T>): Promise<T | 'full'> {
    const count = this.#counts.get(whose) ?? 0;
    if (count >= maxChecksUnderWay) return 'full';
    this.#counts.set(whose, count + 1);
    try {
      return await check();
    } finally {
      this.#left(whose);
    }
  }

  #left(whose: string): void {
    const count = (this.#counts.get(whose) ?? 1) - 1;
    if (count === 0) this.#counts.delete(whose);
    else this.#counts.set(whose, count);
  }
}
